"""What the component exports: the function in `src/pattern.py` that `@remit.pattern` was put on.

Never: anything of the plugin's own.
"""

import pattern as _author
import remit

if not isinstance(remit._plugin, remit._Pattern):
    raise TypeError(f"{_author.__file__}: put @remit.pattern on the function that does the work")


class Pattern:
    def describe(self):
        return remit._plugin.describe()

    def validate_inputs(self, inputs):
        return remit._plugin.validate_inputs(inputs)

    def execute(self, context):
        return remit._plugin.execute(context)
