"""The engine's log: what happened on the way that is neither a result nor an error."""

import logging

log = logging.getLogger("portrait_manifolds")
