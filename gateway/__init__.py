"""The wires, the clock and the threads: everything that touches the world outside."""
