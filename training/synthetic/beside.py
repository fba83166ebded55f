"""Files beside the shards of the generators."""

PARAMETERS_FILE = "parameters.json"  # layout of the array ``parameters``, as name and length
DOMES_FILE = "domes.json"  # reach of the domes that their textures are over
