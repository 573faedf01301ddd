"""Alembic's entry: runs the revisions on the connection that `store.schema` hands over."""

from alembic import context

from mlmcsc.store.models import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,  # the caller's transaction holds all revisions or none
)
context.run_migrations()
