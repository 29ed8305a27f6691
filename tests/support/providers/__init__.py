"""Local servers that play the four REST providers of bars, over one market that is known exactly.

market      the truth: any minute of any symbol, without a walk
tape        what one provider has of it: later, a fraction of a basis point off, volume or none
yahoo ...   how each of them answers: pure functions of a request and a time
counting    what each of them saw, and every call above a limit
faults      a script of misbehaviour
world       all of these together, without a socket: for a virtual clock
server      the same over HTTP; `python -m tests.support.providers` runs it as a process of its own
"""
