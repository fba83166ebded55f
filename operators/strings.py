"""Every text the user reads in Blender, in one place, ready for translation.

Imports nothing of the project. Texts with braces are filled with `str.format`.
"""

import collections

Text = collections.namedtuple("Text", "label description")

TAB = "Portrait"

# Operators
IMPORT = Text(
    "Import Portrait",
    "Import a portrait photo: find the face, its crop and its pose. Or a finished portrait (.manifolds)",
)
UPDATE_CROP = Text("Update Crop", "Align the photo again with the chosen face or the crop set by hand")
INVERT = Text("Invert", "Turn the photo into a portrait that can be seen from all sides in front")
CANCEL = Text("Cancel", "Stop the running job")
RENDER_VIEW = Text("Render View", "See the portrait through the scene's camera, in the image “Portrait View”")
SHOW = Text("Show in Viewport", "Look at the portrait with its own render engine and the photo's own colours")
ADD_LAYERS = Text("Add Layers", "Add the portrait as textured layers that EEVEE and Cycles render among other objects")
EXTRACT_MESH = Text("Extract Mesh", "Add the portrait's surface as a textured mesh")
ADD_CAMERA = Text("Add Camera", "Add a camera that reproduces the photo exactly")
TURNTABLE = Text("Add Turntable", "Add a camera that swings around the head")
DOLLY_ZOOM = Text("Add Dolly Zoom", "Add a camera that comes nearer while its lens widens: the head keeps its size")
BATCH = Text("Batch", "Make a portrait of every photo in a folder")
ENGINE = "Portrait Manifolds"

# Panels
PANEL_PHOTO = "Photo"
PANEL_CROP = "Crop by Hand"
PANEL_INVERT = "Invert"
PANEL_VIEW = "View"
PANEL_SAMPLING = "Sampling"
PANEL_PASSES = "Passes"
PANEL_LAYERS = "Layers"
PANEL_MESH = "Mesh"
PANEL_BATCH = "Batch"
PANEL_HELP = (
    "Import a photo of a face, or drop it",
    "on the viewport. Then press Invert.",
)
POSE_NUMBERS = "Yaw {yaw:.0f}°  Pitch {pitch:.0f}°  Roll {roll:.0f}°"
FACE_NUMBERS = "{count} faces"
FACE_BUTTON = "{number}"
PHOTO_NUMBERS = "{name}, {width} × {height}"
NO_FACE_LABEL = "No face found: set the crop by hand"
PROGRESS = "{percent:.0f} %  {text}"
STANDARD_HINT = "Standard shows the photo's own colours"
USE_ENGINE = "For F12 choose this render engine:"
MODEL_LABEL = "Model {id}"

# Properties
PHOTO = Text("Photo", "The portrait photo")
PORTRAIT_FILE = Text("Portrait File", "The portrait made from the photo")
FACE = Text("Face", "Which face of the photo, counted from the largest, beginning with 0")
FACE_BOX = Text("Box", "Left, top, right and bottom of the face in pixels of the photo")
USE_CROP = Text("Crop by Hand", "Frame the head yourself instead of taking the face that was found")
CROP_CENTRE = Text("Centre", "Centre of the crop in pixels of the photo, from its top left corner")
CROP_SIZE = Text("Size", "Side of the crop in pixels of the photo; a head with hair fills about two thirds of it")
CROP_ROLL = Text("Roll", "How far the head is tilted clockwise in the photo, in degrees")
POSE = Text("Pose", "Where the photo's camera stands: yaw, pitch and roll in degrees")
MODEL_ID = Text("Model", "The model that made the portrait")
MODEL_SHA256 = Text("Model SHA-256", "Checksum of the model that made the portrait")
VIEW_PATH = Text("File", "Also write the view to this PNG file")
BACKGROUND = Text("Background", "What is behind the subject")
BACKGROUNDS = {
    "none": Text("None", "Transparent"),
    "source": Text("Photo's", "What the model takes for the photo's background"),
}
SAMPLES = Text("Smooth Edges", "Samples per pixel of the render engine; more take longer and smooth the edges")
SAMPLE_COUNTS = {
    "1": Text("1", "One sample in the pixel's centre"),
    "2": Text("4", "2 × 2 samples"),
    "3": Text("9", "3 × 3 samples"),
    "4": Text("16", "4 × 4 samples"),
}
PASS_ALPHA = Text(
    "Portrait Alpha", "How much of each pixel the portraits cover, with an opaque film, too; a matte for compositing"
)
PASSES_DATA = "Include"
PASS_DEPTH = "Depth"
STEREO_HINT = "Stereoscopy is on, but not supported"
WITH_CAMERA = Text("Add Camera", "Also add a camera that reproduces the crop, unless the portrait has a camera")
INVERT_FILEPATH = Text("Photo", "Import this photo first; empty for the active portrait")
LAYER_LOOK = Text("Look", "Where the layers' light comes from")
LAYER_LOOKS = {
    "emission": Text("As in the Photo", "The layers shine with the photo's own light, whatever lights the scene has"),
    "lit": Text("Lit", "The scene's lights fall on the face; the photo's colours are its skin and hair"),
}
LAYER_COUNT = Text("Layers", "How many sheets")
LAYER_COUNTS = {
    "24": Text("24", "Every sheet of the portrait"),
    "12": Text("12", "Neighbouring sheets merged: half the geometry, a little less parallax"),
}
LAYER_TRIANGLES = Text("Triangles", "Most triangles of all layers together; where a layer is empty it has none")
LAYER_BLENDING = Text("In EEVEE", "How EEVEE mixes the layers; Cycles needs no choice")
LAYER_BLENDINGS = {
    "BLENDED": Text("Blended", "Smooth with few samples; seen from in front, layers lie in the right order"),
    "DITHERED": Text("Dithered", "Grainy with few samples; right from everywhere and among objects that run into it"),
}
LAYER_SHADOW = Text("Cast Shadow", "Also add the surface that casts the portrait's shadow; cameras do not see it")
LAYER_BACKGROUND = Text("Background", "Also add the flat background of the photo")
MESH_RESOLUTION = Text("Resolution", "Samples along the surface; higher shows finer detail and takes longer")
MESH_FACES = Text("Faces", "Simplify to about this many triangles; 0 keeps all")
MESH_SMOOTHING = Text("Smoothing", "Rounds of smoothing; 0 keeps the raw surface")
MESH_CLOSED = Text("Closed", "Close the back and the neck, for printing and for simulation")
SHADE_SMOOTH = Text("Shade Smooth", "Smooth shading instead of facets")
WHOLE_PHOTO = Text("Whole Photo", "Reproduce the whole photo instead of the upright crop of the head")
CAMERA_BACKGROUND = Text("Show Photo", "Show the picture behind the camera's view")
SET_RESOLUTION = Text("Set Resolution", "Give the scene's render size the proportions of the picture")
FRAMES = Text("Frames", "Length of the move; the scene's frame range is set to it")
SWING = Text("Swing", "Largest angle to each side")
LENS = Text("Lens", "Focal length in millimetres; the camera's distance follows from it")
NEAR = Text("Near", "Distance from the head at the end, in metres")
FAR = Text("Far", "Distance from the head at the beginning, in metres")
BATCH_FOLDER = Text("Photos", "Folder with portrait photos")
BATCH_OUT = Text("Results", "Folder that receives one folder per photo")
BATCH_MESH = Text("Meshes", "Also write a textured .glb per photo")
BATCH_VIEWS = Text("Views", "Also write views turned by these angles, in degrees, as in -30,0,30")
WORKERS = Text("Workers", "Photos worked on at the same time; each takes its own memory")
BATCH_RESUME = Text("Resume", "Keep what is already finished in the results folder")

# Names of what is made
VIEW_IMAGE = "Portrait View"
LAYER = "layer"
SHADOW = "shadow"
NORMALS = "normals"
MESH = "mesh"
PHOTO_CAMERA = "photo camera"
PIVOT = "pivot"
TURNTABLE_CAMERA = "turntable camera"
DOLLY_CAMERA = "dolly camera"
CROP_CAMERA = "crop camera"

# Preferences
DEVICE = Text("Device", "Where the networks run")
DEVICES = {
    "auto": Text("Automatic", "A graphics card where this build can use it, else the processor"),
    "cpu": Text("Processor", "Always the processor: the same bytes everywhere"),
    "cuda": Text("CUDA", "An NVIDIA graphics card; needs the GPU build of the extension"),
    "directml": Text("DirectML", "Any graphics card on Windows; needs a build with DirectML"),
    "coreml": Text("Core ML", "Apple's accelerators"),
}
THREADS = Text("Threads", "Processor threads to use; 0 takes all")
MODEL_PATH = Text("Model", "Folder of another model; empty for the one that comes with the extension")
CACHE_FOLDER = Text("Folder", "Where portraits of unsaved files are kept; empty for Blender's own user folder")
WHERE_TO_FIND = "Find the panel in the 3D viewport: press N, tab Portrait"

# Reports
STATUS = "{what}: {percent:.0f} %  {text}  ({seconds:.0f} s)   Esc: cancel"
LOADING = "Loading the model"
SAVING = "Saving the portrait"
BUSY = "Another portrait job is running; wait for it or cancel it"
CANCELLED = "{what} was cancelled"
SELECT_PORTRAIT = "Select a portrait, or import a photo first"
INVERT_FIRST = "Select a portrait that has been inverted"
NO_CAMERA = "The scene has no camera; add one, or use Add Camera"
NEEDS_VIEWPORT = "Use it in a 3D viewport"
NO_STEREO = "Stereoscopy is not supported by Portrait Manifolds; turn it off in the output properties"
NO_FACE = "No face was found in {name}; set the crop by hand in the sidebar, tab Portrait"
NO_SUCH_FACE = "There is no face {face}, the photo has {count}; the smallest one is used"
SEVERAL_FACES = "{count} faces were found, face {face} is used; pick another one in the sidebar, tab Portrait"
INVERTED = "{name} is ready"
VIEW_DONE = "Rendered {width} × {height} pixels into the image “{image}”"
NO_SURFACE = "{name} is empty: nothing of it is solid enough to be seen; run Invert again"
LAYERS_DONE = "Added {count} layers with {triangles} triangles"
MESH_DONE = "Added a mesh with {vertices} vertices and {faces} triangles"
BATCH_DONE = "{done} of {count} portraits made"
BATCH_FAILED = "{name}: {reason}"
BATCH_FOLDERS = "Choose a folder of photos and a folder for the results"
ENGINE_STATUS = "{count} portraits, row {row} of {rows}"
NOT_COPIED = "Portrait Manifolds: {path} could not be copied beside the .blend ({reason}); it stays where it is"
OUT_OF_MEMORY = "Not enough memory; use a smaller resolution"
LIBRARY_MISSING = "A library is missing ({error}); install the extension's zip for this platform again"
UNEXPECTED = "Unexpected {kind}: {error}; the system console has the details"
