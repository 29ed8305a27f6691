"""Start an order-flow actor: `python -m actors.orderflow --name orderflow.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.orderflow.actor:OrderFlow", may_wait=True)
