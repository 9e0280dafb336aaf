"""What each EMR operation does; importing a module registers its operations (``api.operation``)."""


def load() -> None:
    """Registers them all."""
    from . import account, clusters, instances, policies, steps  # noqa: F401
