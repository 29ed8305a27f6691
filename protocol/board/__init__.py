"""The board: what a hub knows, laid open in a memory-mapped file to every engine of its host and user.

`layout` says where everything lies, `writing` is the hub's side, `reading` an engine's. There is one writer, and it never
waits for anybody; a reader takes nothing that was being changed while it looked.
"""
