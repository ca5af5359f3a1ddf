"""`python -m backend.simulator`."""

from backend.simulator.run import main

main()
