"""The providers as strict servers on loopback, and the people behind their devices.

A process of its own: APNs, FCM with its OAuth token endpoint, and Web Push over TLS and HTTP/2. Each
checks every header and body rule that its original documents, answers with the original's bodies, and
hands what it accepts to simulated people who send signed receipts back, as an app would. Nothing here is
imported by the product; only the command line and the demo start it.
"""
