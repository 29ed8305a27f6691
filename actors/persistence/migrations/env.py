"""Called by alembic: run the migrations on the connection that `schema` brought along."""

from __future__ import annotations

from alembic import context

from actors.persistence.schema import VERSION_TABLE
from actors.persistence.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
