"""The NATS wire: texts, login, a connection, JetStream's questions, and how frames lie in a stream. Knows no actor.

session > connection > dialling > login, servers > jetstream, mirror > wire > headers > faults
"""
