"""What alembic runs: it uses the connection, and with it the transaction, that it is handed."""

from alembic import context

from storage.sync_tables import sync_run

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=sync_run.metadata,
    render_as_batch=True,
)
context.run_migrations()
