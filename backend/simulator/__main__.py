"""`python -m backend.simulator`."""

from backend.simulator.command import main

main()
