"""Every text the user reads in Blender, in one place, ready for translation (see language.py).

Imports nothing of the project. Texts with braces are filled with `str.format`, which translates them first; Blender
itself translates the others where it shows them.
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
CANCEL = Text("Cancel", "Stop this job, or take it out of the queue")
RENDER_VIEW = Text("Render View", "See the portrait through the scene's camera, in the image “Portrait View”")
RENDER_WITH_SCENE = Text(
    "Render with Scene",
    "Let F12 show the portraits among the scene's other objects: EEVEE or Cycles render these, and the compositor puts"
    " the portraits where they stand",
)
RENDER_ALONE = Text(
    "Render without Scene", "Take the portraits out of the scene's compositor again, and put back its render engine"
)
SHOW = Text("Show in Viewport", "Look at the portrait with its own render engine and the photo's own colours")
ADD_LAYERS = Text("Add Layers", "Add the portrait as textured layers that EEVEE and Cycles render among other objects")
EXTRACT_MESH = Text("Extract Mesh", "Add the portrait's surface as a textured mesh")
EXTRACT_LODS = Text(
    "Extract LODs", "Add the portrait's surface as meshes of several levels of detail, each with a quarter of the faces"
)
MARK_ASSET = Text("Mark as Asset", "Put the active mesh, or the portrait, into the asset browser, with its picture")
EXPORT_SPLATS = Text(
    "Export Splats", "Write the portrait as 3-D Gaussian splats (.ply) for viewers, game engines and Blender itself"
)
ADD_CAMERA = Text("Add Camera", "Add a camera that reproduces the photo exactly; the scene keeps the one it has")
MATCH_PHOTO = Text(
    "Match Photo", "Render what the photo shows: give the scene the photo's camera, and the render the photo's size"
)
TURNTABLE = Text("Add Turntable", "Add a camera that swings around the head")
DOLLY_ZOOM = Text("Add Dolly Zoom", "Add a camera that comes nearer while its lens widens: the head keeps its size")
BATCH = Text("Batch", "Make a portrait of every photo in a folder")
ADJUST_CROP = Text(
    "Adjust Crop",
    "Show the photo with the landmarks found in it; move, size and turn the crop, drag the landmarks, turn the head",
)
REFINE = Text(
    "Refine", "Invert again with crop, landmarks and pose as they are now; cameras that reproduce the photo follow"
)
EDIT_PHOTO = Text(
    "Edit Photo", "Open the photo's crop in an image editor, to paint on it; the photo's file stays as it is"
)
APPLY_EDIT = Text("Apply Edit", "Make the portrait anew from the painted crop, with camera, pose and crop as they are")
COMPARE = Text("Compare with Photo", "Show the photo and the portrait side by side in an image editor")
COPY_SETTINGS = Text("Copy Settings", "Copy the settings of the active portrait to the other selected portraits")
TOGGLE_LIGHT = Text(
    "Toggle Light", "Let the scene's light fall on the selected meshes, or show their textures as they are"
)
SELECT_MESH = "Select a mesh that was extracted from a portrait"
TOGGLE_BACKGROUND = Text("Toggle Background", "Show or hide the photo's background behind the selected portraits")
PACK_PORTRAITS = Text("Pack", "Keep portraits and photos inside the .blend from now on")
UNPACK_PORTRAITS = Text("Unpack", "Write packed portraits and photos to files beside the .blend, and use those")
RELINK = Text("Relink", "Choose the missing file, or a folder that is searched for all missing portraits and photos")
RELINK_MODEL = Text("Relink Model", "Choose the folder of the model that made the portrait, to invert with it again")
MESH_PRESET = Text("Mesh Preset", "Add or remove a preset of the mesh settings")
LAYER_PRESET = Text("Layers Preset", "Add or remove a preset of the layer settings")
INVERT_PRESET = Text("Invert Preset", "Add or remove a preset of the inversion settings")
ENGINE = "Portrait Manifolds"

# Panels
PANEL_PHOTO = "Photo"
PANEL_CROP = "Crop by Hand"
PANEL_POSE = "Landmarks and Pose"
BY_HAND = "By Hand"
LANDMARKS = "Landmarks"
PANEL_INVERT = "Invert"
PANEL_VIEW = "View"
PANEL_EDIT = "Edit in 3D"
WITH_SCENE = "With Scene"
WITHOUT_SCENE = "Without Scene"
PANEL_SAMPLING = "Sampling"
PANEL_MOTION_BLUR = "Motion Blur"
PANEL_PASSES = "Passes"
PANEL_LAYERS = "Layers"
PANEL_MESH = "Mesh"
PANEL_MESH_LOOK = "Texture and Light"
PANEL_ELSEWHERE = "LODs, Asset, Splats"
PANEL_BATCH = "Batch"
PANEL_FILES = "Files"
MESH_PRESETS = "Mesh Presets"
LAYER_PRESETS = "Layers Presets"
INVERT_PRESETS = "Invert Presets"
EXPORT_ENTRY = "Portrait as Splats (.ply)"
IMPORT_ENTRY = "Portrait (.png, .jpg, …)"
ADD_ENTRY = "Portrait…"
PANEL_HELP = (
    "Import a photo of a face, or drop it",
    "on the viewport. Then press Invert.",
)
POSE_NUMBERS = "Yaw {yaw:.0f}°  Pitch {pitch:.0f}°  Roll {roll:.0f}°"
FACE_ROW = "Face {number}"
FACE_SCORE = "Score {score:.2f}"
FACE_EYES = "Eyes {eyes:.0f} px"
PHOTO_NUMBERS = "{name}, {width} × {height}"
NO_FACE_LABEL = "No face found: set the crop by hand"
PROGRESS = "{percent:.0f} %  {text}"
STANDARD_HINT = "Standard shows the photo's own colours"
SHOW_SIDE = Text("Side", "From where the viewport looks at the portrait")
SHOW_SIDES = {
    "auto": Text("Automatic", "Keep a view that shows the portrait well, else look as the photo's camera did"),
    "photo": Text("As Photographed", "Look from where the photo was taken"),
    "front": Text("Front", "Look the head in the face"),
}
USE_ENGINE = "For F12 choose this render engine:"
MODEL_LABEL = "Model {id}"
PACKED_LABEL = "Packed into the .blend"
CROP_STATUS = (
    "Drag: move, corner: size, knob: roll   Arrows: nudge   Wheel: size   Ctrl Wheel: roll   "
    "Shift: fine   Tab: landmarks   A: as found   Ctrl Z: step back   Enter: apply   Esc: leave"
)
LANDMARKS_STATUS = (
    "Drag: move landmarks   Wheel: how many go along   Arrows: turn the head   "
    "Shift: fine   Tab: crop   A: as found   Ctrl Z: step back   Enter: apply   Esc: leave"
)
RADIUS_NUMBER = "Falloff {radius:.1f} cm"
CROP_NUMBERS = "Centre {x:.0f}, {y:.0f}   Size {size:.0f}   Roll {roll:.1f}°"

# Properties
PHOTO = Text("Photo", "The portrait photo")
EDIT_IMAGE = Text("Edited Crop", "Square picture of the crop, of any size; Apply Edit makes the portrait of it")
MATTE = Text(
    "Matte", "Picture of the photo's size, white or opaque where the subject is; without one the networks find it"
)
PORTRAIT_FILE = Text("Portrait File", "The portrait made from the photo")
FACE = Text("Face", "Which face of the photo; 0 is the likeliest one")
FACE_BOX = Text("Box", "Left, top, right and bottom of the face in pixels of the photo")
FACE_SURE = Text("Score", "How sure it is that this is a face, from 0 to 1")
FACE_SIZE = Text("Size", "Distance between the eyes, as seen from in front, in pixels of the photo")
USE_CROP = Text("Crop by Hand", "Frame the head yourself instead of taking the face that was found")
CROP_CENTRE = Text("Centre", "Centre of the crop in pixels of the photo, from its top left corner")
CROP_SIZE = Text("Size", "Side of the crop in pixels of the photo; a head with hair fills about two thirds of it")
CROP_ROLL = Text("Roll", "How far the head is tilted clockwise in the photo, in degrees")
USE_LANDMARKS = Text("Landmarks by Hand", "Keep the landmarks as they are on the photo instead of finding them")
USE_POSE = Text("Pose by Hand", "Set where the head turns instead of taking what follows from the landmarks")
POSE_YAW = Text("Yaw", "How far to the right of the face the photo's camera stands, in degrees")
POSE_PITCH = Text("Pitch", "How far above the face the photo's camera stands, in degrees")
POSE = Text("Pose", "Where the photo's camera stands: yaw, pitch and roll in degrees")
MODEL_ID = Text("Model", "The model that made the portrait")
MODEL_SHA256 = Text("Model SHA-256", "Checksum of the model that made the portrait")
VIEW_PATH = Text("File", "Also write the view to this PNG file")
SHOW_BACKGROUND = Text("Background", "Show what the model takes for the photo's background behind the subject")
SHOW_PROXY = Text("Proxy", "Show a simple head in Solid and Wireframe views, to place, to snap to, and to click on")
PROXIES = Text("Proxies", "Show the heads of new portraits in Solid and Wireframe views; renders never show them")
PACK = Text("Pack on Save", "When the .blend is saved, keep portraits and photos inside it instead of beside it")
PACK_PHOTO = Text("With Photo", "Also pack the photo, without its metadata, so that it can be inverted again")
PACKED = Text("Packed Files", "Portrait and photo inside the .blend")
COPY_CROP = Text("Crop", "Copy face and crop, in proportion to the size of the photo")
COPY_BACKGROUND = Text("Background", "Copy whether the background is shown")
COPY_PLACEMENT = Text("Placement", "Copy rotation and scale, not the location")
DIFFERENCE = Text("Difference", "Add a third picture: how far the portrait is from the photo")
COMPARE_SIZE = Text("Size", "Side of each picture in pixels")
OPEN_EDITOR = Text("Open Image Editor", "Split the area for an image editor when none is open")
RELINK_ALL = Text("All Portraits", "Look for the missing files of all portraits, not only of the active one")
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
DRAWN_BY = Text("Device", "What draws the portraits, in the viewport and in renders")
DRAWING_DEVICES = {
    "AUTOMATIC": Text("Automatic", "The GPU, or the CPU where there is no GPU or none that is faster"),
    "GPU": Text("GPU", "The GPU, however slow; the CPU only where it fails"),
    "CPU": Text("CPU", "The CPU, which shows coarse pictures while the view moves"),
}
BLUR_SAMPLES = Text(
    "Blur Samples",
    "Pictures of which one with depth of field or motion blur is made, in place of Smooth Edges; more show fewer steps",
)
PASS_ALPHA = Text(
    "Portrait Alpha", "How much of each pixel the portraits cover, with an opaque film, too; a matte for compositing"
)
PASSES_DATA = "Include"
PASS_DEPTH = "Depth"
STEREO_HINT = "Stereoscopy is on, but not supported"
INVERT_FILEPATH = Text("Photo", "Import this photo first; empty for the active portrait")
LAYER_LOOK = Text("Look", "Where the layers' light comes from")
LAYER_LOOKS = {
    "emission": Text("As in the Photo", "The layers shine with the photo's own light, whatever lights the scene has"),
    "lit": Text("Lit", "The scene's lights fall on the face; the photo's colours are its skin and hair"),
}
LAYER_DELIT = (
    "Take the photo's light and the shadows in it off the layers, as the built-in network estimates them,"
    " so that the scene's lights do not add to them"
)
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
LAYER_DETAIL = Text("Detail", "Where the photo's finest detail is kept, beyond what the layers' textures hold")
LAYER_DETAILS = {
    "SHARED": Text("One Image", "All layers add one shared image: little memory; other programs do not see it"),
    "BAKED": Text("In Each Layer", "Part of every layer's texture, which grows for that: for export to other programs"),
}
LAYER_SHADOW = Text("Cast Shadow", "Also add the surface that casts the portrait's shadow; cameras do not see it")
LAYER_BACKGROUND = Text("Background", "Also add the flat background of the photo")
PREPARE_SCENE = Text(
    "Prepare Scene",
    "Let Cycles follow rays through all layers: raise the scene's transparent bounces if they are too few",
)
MESH_TOPOLOGY = Text("Topology", "What the mesh is made of")
MESH_TOPOLOGIES = {
    "marching-cubes": Text("Surface", "The portrait's surface as triangles, hair and clothes included"),
    "head": Text("Head", "Quads of a head wrapped onto the portrait, with eyes, teeth, shape keys, and hair beside it"),
}
MESH_KEYS = Text("Shape Keys", "The head at rest, ARKit's 52 shapes, and the photo's expression as the key \"photo\"")
MESH_SUBDIVISION = Text("Subdivision", "Levels of a Subdivision Surface modifier on the head; 0 adds none")
MESH_RESOLUTION = Text("Resolution", "Samples along the surface; higher shows finer detail and takes longer")
MESH_FACES = Text("Faces", "Simplify to about this many triangles; 0 keeps all")
MESH_SMOOTHING = Text("Smoothing", "Rounds of smoothing; 0 keeps the raw surface")
MESH_CLOSED = Text("Closed", "Close the back and the neck, for printing and for simulation")
LOD_LEVELS = Text("Levels", "How many levels of detail; each has a quarter of the faces of the one before")
SPLAT_COUNT = Text("Splats", "How many splats at most; 68 bytes each. More of them show finer things of the photo")
SPLAT_FRAME = Text("Axes", "Which way is up in the file")
SPLAT_FRAMES = {
    "y-down": Text("Y Down", "As splats come from cameras; viewers like SuperSplat and game engines expect it"),
    "z-up": Text("Z Up", "Blender's own axes: imported without a rotation, the head stands upright and faces -Y"),
}
MESH_TEXTURE = Text("Texture", "Texels along each side of the mesh's texture")
AS_THE_PHOTO = Text("As the Photo", "As many texels as show all that the photo shows, at most 2048²")
MESH_DELIT = Text(
    "Delit",
    "Take the photo's light and the shadows in it off the texture, as the built-in network estimates them."
    " Highlights and the colour of the light stay",
)
MESH_UNLIT = Text("Unlit", "Show the texture as the photo is, without the scene's light; Toggle Light changes it later")
SHADE_SMOOTH = Text("Shade Smooth", "Smooth shading instead of facets")
WHOLE_PHOTO = Text("Whole Photo", "Reproduce the whole photo instead of the upright crop of the head")
CAMERA_BACKGROUND = Text("Show Photo", "Show the picture behind the camera's view")
FRAMES = Text("Frames", "Length of the move; the scene's frame range is set to it")
SWING = Text("Swing", "Largest angle to each side")
LENS = Text("Lens", "Focal length in millimetres; the camera's distance follows from it")
NEAR = Text("Near", "Distance from the head at the end, in metres")
FAR = Text("Far", "Distance from the head at the beginning, in metres")
BATCH_FOLDER = Text("Photos", "Folder with portrait photos")
BATCH_OUT = Text("Results", "Folder that receives one folder per photo")
BATCH_MESH = Text("Meshes", "Also write a textured .glb per photo")
BATCH_VIEWS = Text("Views", "Also write views turned by these angles, in degrees, as in -30,0,30")
BATCH_RESUME = Text("Resume", "Keep what is already finished in the results folder")

# Names of what is made; never translated, so that scripts find them
VIEW_IMAGE = "Portrait View"
PORTRAITS = "portraits"
PORTRAITS_IN_SCENE = "Portraits in Scene"
LAYER = "layer"
LAYERS = "layers"
SHADOW = "shadow"
NORMALS = "normals"
PARTS = "parts"
DETAIL = "detail"
EDIT = "edit"
HEAD = "head"
MESH = "mesh"
PROXY_NAME = "proxy"
LODS = "LODs"
PHOTO_CAMERA = "photo camera"
PIVOT = "pivot"
TURNTABLE_CAMERA = "turntable camera"
DOLLY_CAMERA = "dolly camera"
CROP_CAMERA = "crop camera"
COMPARISON = "Portrait Comparison"

# Preferences
DEVICE = Text("Device", "Where the networks run")
DEVICES = {
    "auto": Text("Automatic", "A graphics card where this build can use it, else the processor"),
    "accelerated": Text("Accelerated", "The first device of this build that works, else the processor"),
    "cpu": Text("Processor", "Always the processor: the same bytes everywhere"),
    "cuda": Text("CUDA", "An NVIDIA graphics card; needs the GPU build of the extension"),
    "directml": Text("DirectML", "Any graphics card on Windows; needs a build with DirectML"),
    "webgpu": Text("WebGPU", "Any graphics card; needs a build with WebGPU"),
    "coreml": Text("Core ML", "Apple's accelerators"),
    "openvino": Text("OpenVINO", "Intel's processors and graphics; needs a build with OpenVINO"),
}
THREADS = Text("Threads", "Processor threads to use; 0 takes all")
MODEL_PATH = Text("Model Folder", "Folder of another model; empty for the one that comes with the extension")
CACHE_FOLDER = Text("Folder", "Where portraits of unsaved files are kept; empty for Blender's own user folder")
WHERE_TO_FIND = "Find the panel in the 3D viewport: press N, tab Portrait"

# Reports
PACKED_NOTE = "Portrait Manifolds keeps {name} in this text datablock. The portrait is lost when it is deleted.\n"
STATUS = "{what}: {percent:.0f} %  {text}  ({seconds:.0f} s)   Esc: cancel"
LOADING = "Loading the model"
SAVING = "Saving the portrait"
SAVING_SPLATS = "Saving the splats"
CANCELLED = "{what} was cancelled"
SELECT_PORTRAIT = "Select a portrait, or import a photo first"
INVERT_FIRST = "Select a portrait that has been inverted"
NO_CAMERA = "The scene has no camera; add one, or use Add Camera"
NEEDS_VIEWPORT = "Use it in a 3D viewport"
RENDERS_WITH_SCENE = "F12 now renders the scene with {engine}, and the portraits in it"
NOT_WITH_SCENE = "The scene's portraits are not rendered with it"
IS_PORTRAITS_SCENE = "{name} renders the portraits of {owner}; use the button there"
NO_RENDER_LAYERS = "The compositor has no Render Layers node of the view layer {layer}; add one and connect its Image"
ONLY_PORTRAITS = "This engine renders the portraits alone; for the rest of the scene, choose EEVEE or Cycles"
NO_STEREO = "Stereoscopy is not supported by Portrait Manifolds; turn it off in the output properties"
NO_FACE = "No face was found in {name}; set the crop by hand in the sidebar, tab Portrait"
NO_SUCH_FACE = "There is no face {face}, the photo has {count}; the last one is used"
SEVERAL_FACES = "{count} faces were found, face {face} is used; pick another one in the sidebar, tab Portrait"
EDIT_READY = "Paint on {image}, then press Apply Edit"
NO_EDIT = "Press Edit Photo first"
EDIT_UNUSABLE = "{name} is no square image with 8 bits per channel; choose another one, or none and press Edit Photo"
EDITED = "{name} shows the edit; Ctrl Z brings the former portrait back"
INVERTED = "{name} is ready; Show in Viewport looks at it"
MATCHED = "The scene now renders through {camera}, {width} × {height} pixels"
VIEW_DONE = "Rendered {width} × {height} pixels into the image “{image}”"
NO_SURFACE = "{name} is empty: nothing of it is solid enough to be seen; run Invert again"
LAYERS_DONE = "Added {count} layers with {triangles} triangles"
HEAD_DONE = "Added a head of {quads} quads with {parts} parts beside it"
MESH_DONE = "Added a mesh with {vertices} vertices and {faces} triangles"
LODS_DONE = "Added levels of detail with {counts} faces; the finest is shown"
ASSET_MARKED = "{name} is an asset now; it shows in the asset browser of the saved file"
ASSET_OF = "Made from the photo {photo}"
SPLATS_DONE = "Wrote {count} splats to {name}"
BATCH_DONE = "{done} of {count} portraits made"
BATCH_FAILED = "{name}: {reason}"
BATCH_FOLDERS = "Choose a folder of photos and a folder for the results"
NO_PHOTO = "{name} came without its photo; import the photo to invert it again"
PHOTO_MISSING = "the photo {path} is missing; restore it, relink it, or import another one"
MATTE_MISSING = "the matte {name} has no pixels; reload it in an image editor, or choose another one"
PORTRAIT_MISSING = "the portrait file {path} is missing; restore it, relink it, or run Invert again"
NOT_INVERTED = "{name} has no portrait yet; run Invert first"
DELETED = "{name} was deleted during the job; undo, or import the photo again"
LEFT_OUT = "{name} is left out: {reason}"
LINKED = "{name} is linked from another .blend; make it local or a library override (Object ▸ Relations) first"
NO_FACE_IN_PHOTO = "no face was found in the photo; turn on Crop by Hand and frame the head"
VIEW_NOT_PNG = "views are written as PNG; name the file .png instead of {suffix}"
NEEDS_PHOTO = "Select a portrait whose photo is at hand"
NEEDS_OTHERS = "Select other portraits as well; the active one is copied from"
IMPORT_SOME = "{name}: {reason}"
CROP_SET = "The crop is set; Refine inverts the portrait again"
CROP_NOT_COPIED = "{name}: its photo has other proportions, so its crop stays as it is"
COPIED = "Copied to {count} portraits"
COMPARED = "The portrait differs from the photo by {error:.1f} of 255 on average, {decibel:.1f} dB"
OLD_CHILDREN = "Layers and meshes under {name} still show the earlier inversion; add them again"
PACKED_DONE = "Packed {count} portraits, {megabytes:.1f} MB"
UNPACKED_DONE = "Unpacked {count} portraits to {folder}"
NOTHING_TO_PACK = "There is nothing to pack; select a portrait with files on disk"
NOTHING_TO_UNPACK = "There is nothing packed here"
PACKED_NEWER = "{name} was packed by a newer version of Portrait Manifolds; update it to open the portrait"
PACKED_DAMAGED = "what is packed for {name} is damaged; relink the portrait file, or run Invert again"
NOT_PACKED = "Portrait Manifolds: {name} could not be packed ({reason}); it stays beside the .blend"
RELINKED = "Found {count} of {missing} missing files"
RELINK_NOTHING = "No missing file was found in {folder}; choose another folder, or the file itself"
RELINK_WRONG_SIZE = (
    "{name} has {width} × {height} pixels, the portrait's photo had {old_width} × {old_height}; choose another file"
)
RELINK_WRONG_KIND = "{name} is neither a photo nor a portrait (.manifolds); choose another file"
RELINK_SEARCH_LIMIT = "the folder {folder} holds too many files to search; choose a smaller one"
MODEL_NOT_THAT = "{folder} holds the model {id}, but the portrait was made with {wanted}; choose another folder"
MODEL_FOUND = "Portraits are now made with the model {id}"
PROBLEM_MISSING = "Portrait file missing: {name}"
PROBLEM_NEWER = "Made by a newer version: {name}"
PROBLEM_DAMAGED = "Portrait file damaged: {name}"
PROBLEM_PHOTO = "Photo missing: {name}"
PROBLEM_MODEL = "Model not installed: {id}"
PROBLEM_MODEL_HELP = "It still shows; Invert would use {id}"
PROBLEM_BOUNCES = "Layers turn black in Cycles here"
PROBLEM_BOUNCES_HELP = "Too few transparent bounces"
UPDATE_HELP = "Update Portrait Manifolds, or relink"
GPU_REFUSED = "The CPU draws instead of the GPU: {reason}"
GPU_SLOW = "the GPU takes {seconds} s for a picture"
ENGINE_STATUS = "{count} portraits, row {row} of {rows}"
ENGINE_BLUR_STATUS = "{count} portraits, with blur"
NOT_COPIED = "Portrait Manifolds: {path} could not be copied beside the .blend ({reason}); it stays where it is"
OUT_OF_MEMORY = "Not enough memory; use a smaller resolution"
LIBRARY_MISSING = "A library is missing ({error}); install the extension's zip for this platform again"
LIBRARY_BROKEN = "The library {path} does not work ({error}); install the extension's zip for this platform again"
LIBRARY_FOREIGN = (
    "The library {path} does not work ({error}); it did not come with the extension, but Python takes it first: "
    "remove it, or what put it there"
)
UNEXPECTED = "Unexpected {kind}: {error}; the system console has the details"

# Jobs and problems
JOB = Text("Job", "Number of the job; 0 for the one that runs")
JOB_OF = "{title}: {subject}"
JOB_WAITING = "{job} (waiting)"
STATUS_WAITING = "   {count} waiting"
BEING_INVERTED = "{name} is already being inverted; wait until it is done or cancel it"
PROBLEM_OF = "{what}: {subject}"
PROBLEM = Text("Problem", "Number of the problem")
TARGET = Text("Portrait", "Name of the portrait object; empty for the active one")
DISMISS = Text("Dismiss", "Take this message off the panel")
CROP_BY_HAND = Text("Set Crop by Hand", "Turn on Crop by Hand and begin with a square in the middle of the photo")
CHOOSE_PHOTO = Text("Choose Photo", "Choose the photo of this portrait: where it is now, or another one")
OPEN_PREFERENCES = Text("Portrait Preferences", "Open the preferences of this extension")
USE_BUILT_IN = Text("Use Built-in Model", "Use the model that comes with the extension, on the automatic device")
COPY_DIAGNOSTICS = Text("Copy Diagnostics", "Copy versions, device, model and the last errors, to paste into a report")
REPAIR_CROP = "Set Crop by Hand"
REPAIR_PHOTO = "Choose Photo…"
REPAIR_IMPORT = "Import Another Photo…"
REPAIR_MODEL = "Use Built-in Model"
REPAIR_PREFERENCES = "Preferences…"
REPAIR_DIAGNOSTICS = "Copy Diagnostics"
CROP_READY = "Set the square in Crop by Hand around the head, then press Invert"
DIAGNOSTICS_COPIED = "Diagnostics are in the clipboard"

# Batch panel
BATCH_WORKERS = Text("Processes", "Photos worked on at the same time; each process takes its own memory")
BATCH_REFRESH = Text("List Photos", "Look again which photos there are and what is already made of them")
BATCH_STOP = Text("Stop", "Stop the batch; what is finished stays, and the next run goes on from there")
BATCH_RETRY = Text("Retry", "Work again on this photo, or on all that failed")
BATCH_RETRY_NAME = Text("Photo", "Name of the photo; empty for all that failed")
BATCH_OPEN = Text("Open", "Add the finished portrait to the scene; of a failed one the photo, to set its crop by hand")
BATCH_DOUBTS = Text("Doubts", "Show what is doubtful about this photo's portrait")
BATCH_PHOTO = Text("Photo", "File name of the photo")
BATCH_INDEX = Text("Photo", "The chosen photo")
BATCH_RUNNING = "A batch is running; wait for it or stop it"
BATCH_NOT_LISTED = "{name} is not in the list; list the photos again"
BATCH_NONE_FAILED = "No photo failed"
BATCH_STARTED = "{count} photos to do; the panel shows how it goes"
BATCH_STATES = {
    "waiting": "Waiting",
    "working": "Working",
    "done": "Done",
    "skipped": "Done before",
    "failed": "Failed",
}
BATCH_COUNTS = "{done} done, {failed} failed, {waiting} to do"
BATCH_SECONDS = "{state} in {seconds:.1f} s"
BATCH_LEFT = "{text}, {left} left"
BATCH_RETRY_FAILED = "Retry {count} Failed"
BATCH_RETRY_ONE = "Retry"
BATCH_OPEN_DONE = "Add to Scene"
BATCH_OPEN_FAILED = "Import to Set Crop"
BATCH_SHOW_FOLDER = "Show Results"
BATCH_SHEET = "Contact Sheet"
BATCH_STOPPED = "Stopped; the next run goes on from here"

# Preferences page
SECTION_MODEL = "Model"
SECTION_CACHE = "Portraits of Unsaved Files"
SECTION_DEFAULTS = "Default Options of New Scenes"
BUILT_IN_MODEL = "Built-in"
DEVICE_IN_USE = "Running on: {device}"
MODEL_LICENSE = "Licence: {license}"
MODEL_HASH = "SHA-256: {sha256}"
MODEL_SIZE = "{name}, {size}"
MODEL_NO_LICENSE = "not stated"
INSTALL_MODEL = Text("Install Model", "Check a model (.zip, or the card.json of its folder) and copy it here")
CHOOSE_MODEL = Text("Choose Model", "Make portraits with this model from now on")
REMOVE_MODEL = Text("Remove Model", "Delete this installed model")
MODEL_FOLDER = Text("Folder", "Folder of the model")
MODEL_INSTALLED = "The model {id} is installed and in use; licence: {license}"
MODEL_COPYING = "Copying the model"
MODEL_NONE = "no model in {folder}; choose another one"
MODEL_NO_CARD = "{card} is not a model card ({reason}); choose another model"
MODEL_BAD_CARD = "the model card in {source} cannot be used ({reason}); use another model"
MODEL_CARD_LARGE = "it is too large"
MODEL_CARD_EMPTY = "it lists no files"
MODEL_ODD_NAME = "the model in {source} lists a file with an odd name; use another model"
MODEL_LACKS = "the model in {source} has no {name} ({reason}); choose a complete model"
MODEL_NOT_IN_ZIP = "not in the zip"
MODEL_UNREADABLE = "cannot read the model {path} ({reason}); download or copy it again"
MODEL_NOT_OURS = "{folder} was not installed here; delete it yourself if you no longer need it"
CLEAR_CACHE = Text("Clear", "Delete portraits of unsaved files, except those that the open file shows")
CACHE_SIZE = "{count} portraits, {size}"
CACHE_CLEARED = "Deleted {count} portraits, {size}"
DEFAULTS_HINT = "A scene takes these when its first portrait is made"

class Message(str):
    """A text with braces: `format` fills in its translation."""

    def format(self, *args, **values):
        from .translate import translate

        return str.format(translate(self), *args, **values)


globals().update({name: Message(text) for name, text in globals().items() if type(text) is str and "{" in text})
