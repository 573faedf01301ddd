"""Where master keys are kept: a key file, variables, or nowhere for a database in memory."""

from mlmcsc.adapters.keystore.choice import key_store
from mlmcsc.adapters.keystore.environment import EnvironmentKeyStore
from mlmcsc.adapters.keystore.file import FileKeyStore
from mlmcsc.adapters.keystore.memory import MemoryKeyStore

__all__ = ["EnvironmentKeyStore", "FileKeyStore", "MemoryKeyStore", "key_store"]
