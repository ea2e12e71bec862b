"""Upgrades of a store: its tables are brought to the schema that this version knows."""

from stillmotion.adapters.store.sql.migrations import Upgrade
from stillmotion.composition.installation import Missing, directory_of, refuse_without_driver
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared, without_password


def upgrade_store(settings: Settings, *, contract: bool) -> tuple[str, Upgrade]:
    """Bring the tables up to date, with `contract` without what older code needs. Answers the store and the way.

    Several may do so at once. Raises `StillmotionError`, also where a process of older code lives that a contract step
    would disturb.
    """
    if is_shared(settings.store):
        refuse_without_driver()
        from stillmotion.adapters.store.postgresql.connections.opening import conninfo
        from stillmotion.adapters.store.postgresql.schema import migrate, migrations

        way = migrate(conninfo(settings.store), migrations(), contract=contract)
        return without_password(settings.store), way
    from stillmotion.adapters.store.sqlite import schema

    path = directory_of(settings, Missing.REFUSE).database
    return str(path), schema.migrate(path, schema.migrations(), contract=contract)
