"""German texts of the engine: errors that it raises, and the steps of its progress.

A field of a key is called after the variable that the engine fills in.
"""

_STEPS = {
    "opening the photo": "Foto wird geöffnet",
    "opening the matte": "Maske wird geöffnet",
    "looking for faces": "Gesichter werden gesucht",
    "estimating the pose": "Haltung wird geschätzt",
    "taking over the camera": "Kamera wird übernommen",
    "inverting": "Invertierung",
    "encoding the photo": "Foto wird kodiert",
    "coarse manifolds": "Grobe Schichten",
    "lifting details": "Einzelheiten werden gehoben",
    "fusing": "Zusammenführung",
    "decoding textures": "Texturen werden dekodiert",
    "checking the networks": "Netze werden geprüft",
    "trying the model out": "Modell wird ausprobiert",
    "reading the surface": "Oberfläche wird gelesen",
    "looking at the outline": "Umriss wird angesehen",
    "placing splats": "Splats werden gesetzt",
    "sampling the field": "Feld wird abgetastet",
    "marching cubes": "Marching Cubes",
    "trimming": "Beschnitt",
    "fitting the head": "Kopf wird angepasst",
    "fitting the shape space": "Formenraum wird angepasst",
    "following the surface": "Oberfläche wird verfolgt",
    "keys, hair and clothes": "Formschlüssel, Haare und Kleidung",
    "painting the skin, eyes and teeth": "Haut, Augen und Zähne werden bemalt",
    "reducing": "Vereinfachung",
    "texture coordinates": "Texturkoordinaten",
    "texture": "Textur",
    "done": "fertig",
    "{waiting} photos to do": "{waiting} Fotos zu bearbeiten",
    "{done} of {total}: {name}": "{done} von {total}: {name}",
}

_PHOTO = {
    "{name} has more than {value0} megapixels; save a smaller copy of it": (
        "{name} hat mehr als {value0} Megapixel; eine kleinere Kopie speichern"
    ),
    "{name} is a TIFF of tiles far too large; save it as an ordinary one": (
        "{name} ist ein TIFF mit viel zu großen Kacheln; es gewöhnlich speichern"
    ),
    "{path} does not fit into memory; close other programs and try again": (
        "{path} passt nicht in den Speicher; andere Programme schließen und noch einmal versuchen"
    ),
    "{name} is a JPEG of too many scans ({scans} or more); save it as an ordinary one": (
        "{name} ist ein JPEG mit zu vielen Durchgängen ({scans} oder mehr); es gewöhnlich speichern"
    ),
    "{name} is damaged or incomplete ({reason}); copy or export the photo again": (
        "{name} ist beschädigt oder unvollständig ({reason}); das Foto noch einmal kopieren oder exportieren"
    ),
    "{name} has only {width} x {height} pixels; use a photo whose shorter side has at least {MIN_SIDE}": (
        "{name} hat nur {width} x {height} Pixel; ein Foto nehmen, dessen kürzere Seite mindestens {MIN_SIDE} hat"
    ),
    "{name} is a strip of {width} x {height} pixels; crop it to the person and try again": (
        "{name} ist ein Streifen von {width} x {height} Pixeln; auf die Person zuschneiden und noch einmal versuchen"
    ),
    "{name} is not a picture this program reads; save it as {KINDS} and try again": (
        "{name} ist kein Bild, das dieses Programm liest; als {KINDS} speichern und noch einmal versuchen"
    ),
    "{name} does not fit into memory; make it smaller and try again": (
        "{name} passt nicht in den Speicher; verkleinern und noch einmal versuchen"
    ),
    "another batch makes something else in {name}; wait for its end or choose another folder": (
        "ein anderer Stapel macht in {name} etwas anderes; sein Ende abwarten oder einen anderen Ordner wählen"
    ),
    "too many files are open; allow more (ulimit -n) and start again": (
        "zu viele Dateien sind offen; mehr erlauben (ulimit -n) und neu beginnen"
    ),
    "{free} MB of memory are free and {megabytes} are needed; end other programs": (
        "{free} MB Speicher sind frei und {megabytes} werden gebraucht; andere Programme beenden"
    ),
    "no process can be started ({strerror}); end other programs": (
        "kein Prozess kann gestartet werden ({strerror}); andere Programme beenden"
    ),
    "Ray is not installed; install it with pip install ray, or leave --ray out": (
        "Ray ist nicht installiert; mit pip install ray installieren oder --ray weglassen"
    ),
    "the Ray cluster {address} cannot be reached ({reason}); check its address": (
        "der Ray-Verbund {address} ist nicht erreichbar ({reason}); die Adresse prüfen"
    ),
    "the device {device} failed and the CPU took its place; check its driver and memory": (
        "das Gerät {device} hat versagt, der Hauptprozessor hat übernommen; seinen Treiber und Speicher prüfen"
    ),
    "{name} is a folder; give one photo, or use batch for a folder": (
        "{name} ist ein Ordner; ein Foto angeben, oder für Ordner den Stapel nehmen"
    ),
    "{name} is not a regular file; copy the photo to a file and try again": (
        "{name} ist keine gewöhnliche Datei; das Foto in eine Datei kopieren und noch einmal versuchen"
    ),
    "{name} is empty; copy the photo again": "{name} ist leer; das Foto noch einmal kopieren",
    "{name} is larger than {value0} MB; save a smaller copy and try again": (
        "{name} ist größer als {value0} MB; eine kleinere Kopie speichern und noch einmal versuchen"
    ),
    "there is no photo {name}; check the path": "Es gibt kein Foto {name}; den Pfad prüfen",
    "cannot read {name} ({reason}); check the path and its permissions": (
        "{name} ist nicht lesbar ({reason}); Pfad und Rechte prüfen"
    ),
    "the matte cannot be used: {error}": "Die Maske ist nicht brauchbar: {error}",
    "the matte {name} is black all over; it must be white where the subject is": (
        "Die Maske {name} ist überall schwarz; sie muss weiß sein, wo das Motiv ist"
    ),
    "the matte {name} has {width} x {height} pixels, the upright photo {value0} x {value1}; "
    "make it as large as the photo": (
        "Die Maske {name} hat {width} x {height} Pixel, das aufrechte Foto {value0} x {value1}; "
        "sie so groß wie das Foto machen"
    ),
    "the matte leaves the face out; it must be white where the subject is and black elsewhere": (
        "Die Maske lässt das Gesicht aus; sie muss weiß sein, wo das Motiv ist, und sonst schwarz"
    ),
    "a matte must be (height, width) uint8, not {shape} {dtype}": (
        "Eine Maske muss (Höhe, Breite) uint8 sein, nicht {shape} {dtype}"
    ),
    "the edited picture has {width} x {height} pixels; it must be as large as the portrait's photo, {other_width} x "
    "{other_height}, or a square that shows the crop": (
        "Das bearbeitete Bild hat {width} x {height} Pixel; es muss so groß sein wie das Foto des Porträts, "
        "{other_width} x {other_height}, oder ein Quadrat, das den Ausschnitt zeigt"
    ),
    "a photo must be (height, width, 3) uint8, not {shape} {dtype}": (
        "Ein Foto muss (Höhe, Breite, 3) uint8 sein, nicht {shape} {dtype}"
    ),
}

_FACE = {
    "the crop must be a centre, a side of at least 16 pixels and an angle; draw it again": (
        "Der Ausschnitt braucht eine Mitte, eine Seite von mindestens 16 Pixeln und einen Winkel; neu setzen"
    ),
    "the crop lies outside of the photo; move its centre onto the head": (
        "Der Ausschnitt liegt außerhalb des Fotos; seine Mitte auf den Kopf schieben"
    ),
    "the face is too small: about {eyes} px between the eyes, at least {MIN_EYE_DISTANCE} are needed; "
    "use a larger photo or a closer one": (
        "Das Gesicht ist zu klein: etwa {eyes} px zwischen den Augen, mindestens {MIN_EYE_DISTANCE} sind nötig; "
        "ein größeres Foto oder eines aus der Nähe nehmen"
    ),
    "the face is turned too far away (yaw {yaw}°, pitch {pitch}°, at most {MAX_TURN}° work); "
    "use a photo taken more from the front, or set the crop by hand": (
        "Das Gesicht ist zu weit weggedreht (Gierung {yaw}°, Nicken {pitch}°, höchstens {MAX_TURN}° gehen); "
        "ein Foto mehr von vorn nehmen oder den Ausschnitt von Hand setzen"
    ),
    "no face was found; use a photo with the face larger and seen from the front, or set the crop by hand": (
        "Kein Gesicht gefunden; ein Foto mit größerem Gesicht von vorn nehmen oder den Ausschnitt von Hand setzen"
    ),
    "there is no face {face}: {count} found, counted from 0 (the likeliest); choose another": (
        "Es gibt kein Gesicht {face}: {count} gefunden, von 0 (dem wahrscheinlichsten) an gezählt; ein anderes wählen"
    ),
    "1 face was": "1 Gesicht wurde",
    "{value0} faces were": "{value0} Gesichter wurden",
    "{count} faces were found; face 0 was taken, choose another by its number": (
        "{count} Gesichter gefunden; Gesicht 0 wurde genommen, ein anderes nach seiner Nummer wählen"
    ),
    "a head may be turned by at most {MAX_TURN}°; set yaw and pitch within that": (
        "Ein Kopf darf um höchstens {MAX_TURN}° gedreht sein; Gierung und Nicken darin setzen"
    ),
    "landmarks are {count} points in pixels of the photo; find them anew": (
        "Gesichtspunkte sind {count} Punkte in Pixeln des Fotos; sie neu suchen"
    ),
    "the face is small, {eyes} px between the eyes; a larger photo gives more detail": (
        "Das Gesicht ist klein, {eyes} px zwischen den Augen; ein größeres Foto gibt mehr Einzelheiten"
    ),
    "{value0} % of the head lie outside of the photo and are guessed": (
        "{value0} % des Kopfes liegen außerhalb des Fotos und sind geraten"
    ),
    "a part of the face lies outside of the photo and is guessed; use a whole one": (
        "Ein Teil des Gesichts liegt außerhalb des Fotos und ist geraten; ein ganzes verwenden"
    ),
    "the face is turned by {angle}°; what the photo hides of it is guessed": (
        "Das Gesicht ist um {angle}° gedreht; was das Foto davon verbirgt, ist geraten"
    ),
    "the photo lies on its side or upside down, by {roll}°": (
        "Das Foto liegt auf der Seite oder steht auf dem Kopf, um {roll}°"
    ),
    "it is not sure that this is a face (score {score}); check the crop": (
        "Es ist nicht sicher, dass dies ein Gesicht ist (Wert {score}); den Ausschnitt prüfen"
    ),
    "it is not sure where the subject ends; give a matte, or use a plainer backdrop": (
        "Es ist nicht sicher, wo das Motiv aufhört; eine Maske angeben oder einen ruhigeren Hintergrund nehmen"
    ),
    "the face cannot be aligned ({error}); set the crop by hand": (
        "Das Gesicht lässt sich nicht ausrichten ({error}); den Ausschnitt von Hand setzen"
    ),
    "a crop is x, y, size and perhaps roll: the centre and side in pixels, the roll in degrees": (
        "Ein Ausschnitt ist x, y, Größe und vielleicht Drehung: Mitte und Seite in Pixeln, die Drehung in Grad"
    ),
}

_FILES = {
    "no picture in {mattes} is called like a photo; name each matte like its photo": (
        "Kein Bild in {mattes} heißt wie ein Foto; jede Maske wie ihr Foto nennen"
    ),
    "there are no photos in {folder}; it needs {value0} files": "In {folder} sind keine Fotos; nötig sind {value0}",
    "cannot read the folder {folder} ({strerror}); check the path": (
        "Der Ordner {folder} ist nicht lesbar ({strerror}); den Pfad prüfen"
    ),
    "cannot write {path} ({reason}); choose a folder that exists, is writable and has space": (
        "{path} lässt sich nicht schreiben ({reason}); einen vorhandenen, beschreibbaren Ordner mit Platz wählen"
    ),
    "cannot read {path} ({strerror}); check the path and its permissions": (
        "{path} ist nicht lesbar ({strerror}); Pfad und Rechte prüfen"
    ),
    "cannot write depth as {name}; name it .exr or .npy": (
        "Tiefe lässt sich nicht als {name} schreiben; die Datei .exr oder .npy nennen"
    ),
    "cannot write a mesh as {name}; name it .glb, .obj or .ply": (
        "Ein Mesh lässt sich nicht als {name} schreiben; die Datei .glb, .obj oder .ply nennen"
    ),
    "the mesh resolution must lie between 16 and {MAX_RESOLUTION}, not {resolution}": (
        "Die Auflösung des Meshs muss zwischen 16 und {MAX_RESOLUTION} liegen, nicht bei {resolution}"
    ),
    "the number of splats must lie between {LEAST} and {MOST}, not {count}": (
        "Die Zahl der Splats muss zwischen {LEAST} und {MOST} liegen, nicht {count}"
    ),
    "cannot write splats as {name}; name it .ply": "Splats können nicht als {name} geschrieben werden; .ply nehmen",
    "a texture must have between 64 and {MAX_SIDE} texels along a side, not {texture}": (
        "Eine Textur muss entlang einer Seite zwischen 64 und {MAX_SIDE} Texel haben, nicht {texture}"
    ),
    "a head cannot be reduced to {faces} faces; ask for at least 100": (
        "Ein Kopf lässt sich nicht auf {faces} Flächen vereinfachen; mindestens 100 verlangen"
    ),
    "this mesh cannot be reduced to {faces} faces; ask for more, or for a lower resolution": (
        "Dieses Mesh lässt sich nicht auf {faces} Flächen vereinfachen; mehr verlangen oder eine niedrigere Auflösung"
    ),
    "the subject is too small for a mesh of this resolution; ask for a higher one": (
        "Das Motiv ist zu klein für ein Mesh dieser Auflösung; eine höhere verlangen"
    ),
    "this portrait holds no solid surface; invert the photo again": (
        "Dieses Porträt hat keine feste Oberfläche; das Foto noch einmal invertieren"
    ),
    "{path} is not a readable portrait file ({reason}); invert the photo again": (
        "{path} ist keine lesbare Porträtdatei ({reason}); das Foto noch einmal invertieren"
    ),
    "{path} was written by a newer version (file format {version}, this version reads up to {FORMAT_VERSION}); "
    "update Portrait Manifolds to open it": (
        "{path} stammt von einer neueren Version (Dateiformat {version}, diese liest bis {FORMAT_VERSION}); "
        "zum Öffnen Portrait Manifolds aktualisieren"
    ),
    "there is no portrait file {path}; check the path": "Es gibt keine Porträtdatei {path}; den Pfad prüfen",
    "{path} is a folder; give the portrait.manifolds file inside it": (
        "{path} ist ein Ordner; die Datei portrait.manifolds darin angeben"
    ),
    "cannot read {path} ({reason}); check its permissions": "{path} ist nicht lesbar ({reason}); die Rechte prüfen",
}

_MODEL = {
    "there is no device {device}; use auto, accelerated, {value0}": (
        "Es gibt kein Gerät {device}; auto, accelerated oder {value0} nehmen"
    ),
    "the device {device} is not available in this onnxruntime; use auto or one of: {have}": (
        "Das Gerät {device} gibt es in diesem onnxruntime nicht; auto nehmen oder: {have}"
    ),
    "the model in {folder} has no {file}; install a complete model": (
        "Dem Modell in {folder} fehlt {file}; ein vollständiges installieren"
    ),
    "the model file {file} is damaged or was changed; install the model again": (
        "Die Modelldatei {file} ist beschädigt oder verändert; das Modell neu installieren"
    ),
    "the model file {file} has {size} bytes instead of {value0}; install it again": (
        "Die Modelldatei {file} hat {size} Bytes statt {value0}; neu installieren"
    ),
    "no model in {folder} ({reason}); point to a folder that holds card.json": (
        "Kein Modell in {folder} ({reason}); einen Ordner mit card.json angeben"
    ),
    "the model card in {folder} cannot be used ({reason}); install the model again": (
        "Die Modellkarte in {folder} ist unbrauchbar ({reason}); das Modell neu installieren"
    ),
    "the model file {file} is missing in {parent}; install the model again": (
        "Die Modelldatei {file} fehlt in {parent}; das Modell neu installieren"
    ),
    "the head's file {value0} was changed; install the program again": (
        "Die Kopfdatei {value0} wurde verändert; installiere das Programm neu"
    ),
    "the file {name} cannot be read ({reason}); install the program again": (
        "Die Datei {name} kann nicht gelesen werden ({reason}); installiere das Programm neu"
    ),
    "the head in {folder} cannot be read ({error}); install the program again": (
        "Der Kopf in {folder} kann nicht gelesen werden ({error}); installiere das Programm neu"
    ),
    "a head's texture must have between {low} and {high} pixels along a side, not {texture}": (
        "Die Textur eines Kopfes muss zwischen {low} und {high} Pixel je Seite haben, nicht {texture}"
    ),
    "the network {name} cannot be read ({strerror}); install the program again": (
        "Das Netz {name} ist nicht lesbar ({strerror}); das Programm neu installieren"
    ),
    "cannot read the model file {file} ({strerror}); check its permissions": (
        "Die Modelldatei {file} ist nicht lesbar ({strerror}); die Rechte prüfen"
    ),
    "the model's geometry.npz cannot be used ({reason}); install the model again": (
        "Die geometry.npz des Modells ist unbrauchbar ({reason}); das Modell neu installieren"
    ),
    "the network {file} does not load ({reason}); install the model again": (
        "Das Netz {file} lässt sich nicht laden ({reason}); das Modell neu installieren"
    ),
    "{file} {error}, which is not allowed; use the model that belongs to this version": (
        "{file}: {error}, das ist nicht erlaubt; das Modell nehmen, das zu dieser Version gehört"
    ),
    "{file} is larger than {value0} MB; use the model that belongs to this version": (
        "{file} ist größer als {value0} MB; das Modell nehmen, das zu dieser Version gehört"
    ),
    "{file} is not an ONNX model; install the model again": "{file} ist kein ONNX-Modell; das Modell neu installieren",
    "the network {name} of the model {id} fails ({reason}); use another model": (
        "Das Netz {name} des Modells {id} scheitert ({reason}); ein anderes Modell nehmen"
    ),
    "the network {name} of the model {id} gives numbers that are not finite; use another model": (
        "Das Netz {name} des Modells {id} liefert Zahlen, die nicht endlich sind; ein anderes Modell nehmen"
    ),
    "the model {id} was tried out for {seconds} seconds without an end; use another one": (
        "Das Modell {id} wurde {seconds} Sekunden lang ohne ein Ende ausprobiert; ein anderes nehmen"
    ),
    "the process that tried out the model {id} died, perhaps for lack of memory; use another one": (
        "Der Prozess, der das Modell {id} ausprobierte, ist gestorben, vielleicht aus Speichermangel; "
        "ein anderes nehmen"
    ),
    "the model {id} needs more memory than a model may have; use another one": (
        "Das Modell {id} braucht mehr Speicher, als ein Modell haben darf; ein anderes nehmen"
    ),
    "the model {id} does not fit this version ({kind}: {reason}); use another one": (
        "Das Modell {id} passt nicht zu dieser Version ({kind}: {reason}); ein anderes nehmen"
    ),
}

_BLENDER = {
    "the views {text} are not angles; write degrees with commas, as in -30,0,30": (
        "Die Ansichten {text} sind keine Winkel; Grad mit Kommas schreiben, etwa -30,0,30"
    ),
    "the render border is empty; draw a larger one or turn it off": (
        "Der Renderbereich ist leer; einen größeren ziehen oder ausschalten"
    ),
    "camera {name} is of type {value0}; portraits need a perspective or orthographic one": (
        "Kamera {name} ist vom Typ {value0}; Porträts brauchen eine perspektivische oder orthografische"
    ),
}

ENGINE = _STEPS | _PHOTO | _FACE | _FILES | _MODEL | _BLENDER
