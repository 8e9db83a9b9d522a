"""Every error that nas raises on purpose.

NasError
├── UserError (ValueError)      what a person wrote cannot stand: exit status 2
│   ├── SpaceError              a search space or an architecture
│   ├── SettingError            an option of a command or of `nas.search`
│   └── DataError               a data set
└── RunError (RuntimeError)     the run itself failed: exit status 1
    └── DivergedError           a training's loss: fails its trial alone
"""


class NasError(Exception):
    """Root of the family; its message is written for a person."""


class UserError(NasError, ValueError):
    """What a person wrote cannot stand; the message says where, what and what to write instead."""


class SpaceError(UserError):
    """A search space or an architecture breaks the grammar or a block's law."""


class SettingError(UserError):
    """An option of a command, or an argument of a public function, is not allowed."""


class DataError(UserError):
    """A data set is missing, unreadable or of no use for training."""


class RunError(NasError, RuntimeError):
    """A run failed for a reason that lies outside what a person wrote."""


class DivergedError(RunError):
    """A training's loss is no longer a finite number."""
