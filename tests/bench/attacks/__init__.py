"""An honest client's waiting time while the server is attacked: `python -m tests.bench.attacks`.

Loopback only. The attackers run in a process of their own and from other addresses than the honest
client: 127.0.0.0/24, and 127.1.0.0/16 where an attack comes from many networks.
"""
