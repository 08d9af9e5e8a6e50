"""«name»: «title»"""

«if package»
from .main import main

__all__ = ["main"]
«end»
«if library»
from .core import describe

__all__ = ["describe"]
«end»
__version__ = "0.1.0"
