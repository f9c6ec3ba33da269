"""Packets through the kernel's hooks: tables, connection tracking, NAT, routing. Pure: no I/O, no clock, no chance of its own."""
