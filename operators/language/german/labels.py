"""German. Keys are the English texts: of strings.py here, of the engine in work.py and engine.py."""

from .engine import ENGINE
from .work import WORK

_OPERATORS = {
    "Portrait": "Porträt",
    "Import Portrait": "Porträt importieren",
    "Import a portrait photo: find the face, its crop and its pose. Or a finished portrait (.manifolds)": (
        "Ein Porträtfoto importieren: Gesicht, Ausschnitt und Haltung finden. Oder ein fertiges Porträt (.manifolds)"
    ),
    "Update Crop": "Ausschnitt aktualisieren",
    "Align the photo again with the chosen face or the crop set by hand": (
        "Das Foto noch einmal ausrichten, nach dem gewählten Gesicht oder dem von Hand gesetzten Ausschnitt"
    ),
    "Invert": "Invertieren",
    "Turn the photo into a portrait that can be seen from all sides in front": (
        "Aus dem Foto ein Porträt machen, das von vorn aus allen Richtungen zu sehen ist"
    ),
    "Cancel": "Abbrechen",
    "Stop the running job": "Die laufende Aufgabe anhalten",
    "Render View": "Ansicht rendern",
    "See the portrait through the scene's camera, in the image “Portrait View”": (
        "Das Porträt durch die Kamera der Szene sehen, im Bild „Portrait View“"
    ),
    "Render with Scene": "Mit Szene rendern",
    (
        "Let F12 show the portraits among the scene's other objects: EEVEE or Cycles render these, and the compositor"
        " puts the portraits where they stand"
    ): "F12 zeigt die Porträts zwischen den anderen Objekten der Szene: EEVEE oder Cycles rendern diese, und der"
    " Compositor setzt die Porträts an ihre Stelle",
    "With Scene": "Mit Szene",
    "Without Scene": "Ohne Szene",
    "Render without Scene": "Ohne Szene rendern",
    "Take the portraits out of the scene's compositor again, and put back its render engine": (
        "Die Porträts wieder aus dem Compositor der Szene nehmen und ihre Render-Engine zurücksetzen"
    ),
    "F12 now renders the scene with {engine}, and the portraits in it": (
        "F12 rendert nun die Szene mit {engine} und die Porträts darin"
    ),
    "The scene's portraits are not rendered with it": "Die Porträts der Szene werden nicht mit ihr gerendert",
    "{name} renders the portraits of {owner}; use the button there": (
        "{name} rendert die Porträts von {owner}; den Knopf dort benutzen"
    ),
    "The compositor has no Render Layers node of the view layer {layer}; add one and connect its Image": (
        "Der Compositor hat keinen Knoten Renderebenen für die Ansichtsebene {layer}; einen hinzufügen und sein Bild"
        " verbinden"
    ),
    "This engine renders the portraits alone; for the rest of the scene, choose EEVEE or Cycles": (
        "Diese Engine rendert nur die Porträts; für den Rest der Szene EEVEE oder Cycles wählen"
    ),
    "portraits": "Porträts",
    "Portraits in Scene": "Porträts in der Szene",
    "Show in Viewport": "In der Ansicht zeigen",
    "Look at the portrait with its own render engine and the photo's own colours": (
        "Das Porträt mit seiner eigenen Render-Engine und den Farben des Fotos ansehen"
    ),
    "Add Layers": "Schichten hinzufügen",
    "Add the portrait as textured layers that EEVEE and Cycles render among other objects": (
        "Das Porträt als texturierte Schichten hinzufügen, die EEVEE und Cycles zwischen anderen Objekten rendern"
    ),
    "Proxy": "Stellvertreter",
    "Show a simple head in Solid and Wireframe views, to place, to snap to, and to click on": (
        "In den Ansichten Solide und Drahtgitter einen einfachen Kopf zeigen, zum Platzieren, Einrasten und Anklicken"
    ),
    "Proxies": "Stellvertreter",
    "Show the heads of new portraits in Solid and Wireframe views; renders never show them": (
        "Die Köpfe neuer Porträts in den Ansichten Solide und Drahtgitter zeigen; gerendert werden sie nie"
    ),
    "LODs, Asset, Splats": "LODs, Asset und Splats",
    "Extract LODs": "LODs extrahieren",
    "Add the portrait's surface as meshes of several levels of detail, each with a quarter of the faces": (
        "Die Oberfläche des Porträts als Meshes in mehreren Detailstufen hinzufügen, jede mit einem Viertel der Flächen"
    ),
    "Levels": "Stufen",
    "How many levels of detail; each has a quarter of the faces of the one before": (
        "Wie viele Detailstufen; jede hat ein Viertel der Flächen der vorigen"
    ),
    "Added levels of detail with {counts} faces; the finest is shown": (
        "Detailstufen mit {counts} Flächen hinzugefügt; die feinste wird gezeigt"
    ),
    "Mark as Asset": "Als Asset markieren",
    "Put the active mesh, or the portrait, into the asset browser, with its picture": (
        "Das aktive Mesh oder das Porträt mit seinem Bild in den Asset-Browser stellen"
    ),
    "{name} is an asset now; it shows in the asset browser of the saved file": (
        "{name} ist nun ein Asset; der Asset-Browser zeigt es, wenn die Datei gespeichert ist"
    ),
    "Made from the photo {photo}": "Aus dem Foto {photo} gemacht",
    "Export Splats": "Splats exportieren",
    "Write the portrait as 3-D Gaussian splats (.ply) for viewers, game engines and Blender itself": (
        "Das Porträt als 3D-Gaussian-Splats (.ply) schreiben, für Betrachter, Spiele-Engines und Blender selbst"
    ),
    "Portrait as Splats (.ply)": "Porträt als Splats (.ply)",
    "Splats": "Splats",
    "How many splats at most; 68 bytes each. More of them show finer things of the photo": (
        "Wie viele Splats höchstens, zu je 68 Byte. Mehr zeigen Feineres vom Foto"
    ),
    "Axes": "Achsen",
    "Which way is up in the file": "Wo in der Datei oben ist",
    "Y Down": "Y nach unten",
    "As splats come from cameras; viewers like SuperSplat and game engines expect it": (
        "Wie Splats von Kameras kommen; Betrachter wie SuperSplat und Spiele-Engines erwarten das"
    ),
    "Z Up": "Z nach oben",
    "Blender's own axes: imported without a rotation, the head stands upright and faces -Y": (
        "Blenders eigene Achsen: ohne Drehung importiert, steht der Kopf aufrecht und schaut nach -Y"
    ),
    "Saving the splats": "Splats werden gespeichert",
    "Wrote {count} splats to {name}": "{count} Splats in {name} geschrieben",
    "Extract Mesh": "Mesh extrahieren",
    "Add the portrait's surface as a textured mesh": "Die Oberfläche des Porträts als texturiertes Mesh hinzufügen",
    "Add Camera": "Kamera hinzufügen",
    "Add a camera that reproduces the photo exactly; the scene keeps the one it has": (
        "Eine Kamera hinzufügen, die das Foto genau wiedergibt; die Szene behält die, die sie hat"
    ),
    "Match Photo": "An das Foto angleichen",
    "Render what the photo shows: give the scene the photo's camera, and the render the photo's size": (
        "Rendern, was das Foto zeigt: Die Szene bekommt die Kamera des Fotos, das Rendern seine Größe"
    ),
    "Add Turntable": "Kameraschwenk hinzufügen",
    "Add a camera that swings around the head": "Eine Kamera hinzufügen, die um den Kopf schwenkt",
    "Add Dolly Zoom": "Dolly-Zoom hinzufügen",
    "Add a camera that comes nearer while its lens widens: the head keeps its size": (
        "Eine Kamera hinzufügen, die näher kommt, während ihr Bildwinkel wächst: Der Kopf bleibt gleich groß"
    ),
    "Edit in 3D": "In 3D bearbeiten",
    "Edit Photo": "Foto bearbeiten",
    "Open the photo's crop in an image editor, to paint on it; the photo's file stays as it is": (
        "Den Ausschnitt des Fotos in einem Bildeditor öffnen, um darauf zu malen; die Fotodatei bleibt, wie sie ist"
    ),
    "Apply Edit": "Bearbeitung anwenden",
    "Make the portrait anew from the painted crop, with camera, pose and crop as they are": (
        "Das Porträt aus dem bemalten Ausschnitt neu machen, mit Kamera, Haltung und Ausschnitt von jetzt"
    ),
    "Batch": "Stapel",
    "Make a portrait of every photo in a folder": "Aus jedem Foto eines Ordners ein Porträt machen",
    "Adjust Crop": "Ausschnitt anpassen",
    "Show the photo with the landmarks found in it; move, size and turn the crop, drag the landmarks, turn the head": (
        "Das Foto mit den gefundenen Gesichtspunkten zeigen; den Ausschnitt schieben, vergrößern und drehen, die "
        "Punkte ziehen, den Kopf drehen"
    ),
    "Refine": "Verfeinern",
    "Invert again with crop, landmarks and pose as they are now; cameras that reproduce the photo follow": (
        "Mit Ausschnitt, Gesichtspunkten und Haltung von jetzt noch einmal invertieren; Kameras, die das Foto "
        "wiedergeben, folgen"
    ),
    "Compare with Photo": "Mit dem Foto vergleichen",
    "Show the photo and the portrait side by side in an image editor": (
        "Foto und Porträt nebeneinander in einem Bildeditor zeigen"
    ),
    "Copy Settings": "Einstellungen kopieren",
    "Copy the settings of the active portrait to the other selected portraits": (
        "Die Einstellungen des aktiven Porträts auf die anderen ausgewählten übertragen"
    ),
    "Toggle Background": "Hintergrund umschalten",
    "Show or hide the photo's background behind the selected portraits": (
        "Den Hintergrund des Fotos hinter den ausgewählten Porträts ein- oder ausblenden"
    ),
    "Pack": "Packen",
    "Keep portraits and photos inside the .blend from now on": "Porträts und Fotos ab jetzt in der .blend aufbewahren",
    "Unpack": "Entpacken",
    "Write packed portraits and photos to files beside the .blend, and use those": (
        "Gepackte Porträts und Fotos als Dateien neben die .blend schreiben und diese verwenden"
    ),
    "Relink": "Neu verknüpfen",
    "Choose the missing file, or a folder that is searched for all missing portraits and photos": (
        "Die fehlende Datei wählen, oder einen Ordner, der nach allen fehlenden Porträts und Fotos durchsucht wird"
    ),
    "Relink Model": "Modell neu verknüpfen",
    "Choose the folder of the model that made the portrait, to invert with it again": (
        "Den Ordner des Modells wählen, das dieses Porträt gemacht hat, um wieder damit zu invertieren"
    ),
    "Mesh Preset": "Mesh-Vorgabe",
    "Add or remove a preset of the mesh settings": "Eine Vorgabe der Mesh-Einstellungen hinzufügen oder entfernen",
    "Layers Preset": "Schichten-Vorgabe",
    "Add or remove a preset of the layer settings": "Eine Vorgabe der Schichten hinzufügen oder entfernen",
    "Invert Preset": "Invertier-Vorgabe",
    "Add or remove a preset of the inversion settings": "Eine Vorgabe des Invertierens hinzufügen oder entfernen",
    "Portrait Manifolds": "Portrait Manifolds",
}

_PANELS = {
    "Photo": "Foto",
    "Crop by Hand": "Ausschnitt von Hand",
    "View": "Ansicht",
    "Sampling": "Abtastung",
    "Layers": "Schichten",
    "Mesh": "Mesh",
    "Files": "Dateien",
    "Mesh Presets": "Mesh-Vorgaben",
    "Layers Presets": "Schichten-Vorgaben",
    "Invert Presets": "Invertier-Vorgaben",
    "Portrait (.png, .jpg, …)": "Porträt (.png, .jpg, …)",
    "Portrait…": "Porträt …",
    "Import a photo of a face, or drop it": "Foto eines Gesichts importieren oder in die",
    "on the viewport. Then press Invert.": "Ansicht ziehen. Dann Invertieren drücken.",
    "Yaw {yaw:.0f}°  Pitch {pitch:.0f}°  Roll {roll:.0f}°": (
        "Gierung {yaw:.0f}°  Nicken {pitch:.0f}°  Rollen {roll:.0f}°"
    ),
    "Face {number}": "Gesicht {number}",
    "Score {score:.2f}": "Wert {score:.2f}",
    "Eyes {eyes:.0f} px": "Augen {eyes:.0f} px",
    "{name}, {width} × {height}": "{name}, {width} × {height}",
    "No face found: set the crop by hand": "Kein Gesicht gefunden: Ausschnitt von Hand setzen",
    "{percent:.0f} %  {text}": "{percent:.0f} %  {text}",
    "Standard shows the photo's own colours": "Standard zeigt die Farben des Fotos",
    "For F12 choose this render engine:": "Für F12 diese Render-Engine wählen:",
    "Model {id}": "Modell {id}",
    "Packed into the .blend": "In die .blend gepackt",
    "Drag: move, corner: size, knob: roll   Arrows: nudge   Wheel: size   Ctrl Wheel: roll   "
    "Shift: fine   Tab: landmarks   A: as found   Ctrl Z: step back   Enter: apply   Esc: leave": (
        "Ziehen: schieben, Ecke: Größe, Knopf: drehen   Pfeile: rücken   Rad: Größe   Strg-Rad: drehen   "
        "Umschalt: fein   Tab: Gesichtspunkte   A: wie gefunden   Strg Z: zurück   Eingabe: übernehmen   Esc: verlassen"
    ),
    "Drag: move landmarks   Wheel: how many go along   Arrows: turn the head   "
    "Shift: fine   Tab: crop   A: as found   Ctrl Z: step back   Enter: apply   Esc: leave": (
        "Ziehen: Gesichtspunkte schieben   Rad: wie viele mitgehen   Pfeile: Kopf drehen   "
        "Umschalt: fein   Tab: Ausschnitt   A: wie gefunden   Strg Z: zurück   Eingabe: übernehmen   Esc: verlassen"
    ),
    "Falloff {radius:.1f} cm": "Wirkung {radius:.1f} cm",
    "Centre {x:.0f}, {y:.0f}   Size {size:.0f}   Roll {roll:.1f}°": (
        "Mitte {x:.0f}, {y:.0f}   Größe {size:.0f}   Drehung {roll:.1f}°"
    ),
    "Portrait file missing: {name}": "Porträtdatei fehlt: {name}",
    "Made by a newer version: {name}": "Von einer neueren Version: {name}",
    "Portrait file damaged: {name}": "Porträtdatei beschädigt: {name}",
    "Photo missing: {name}": "Foto fehlt: {name}",
    "Model not installed: {id}": "Modell nicht installiert: {id}",
    "It still shows; Invert would use {id}": "Es ist weiter zu sehen; Invertieren nähme {id}",
    "Update Portrait Manifolds, or relink": "Portrait Manifolds aktualisieren oder neu verknüpfen",
}

_PROPERTIES = {
    "The portrait photo": "Das Porträtfoto",
    "Edited Crop": "Bearbeiteter Ausschnitt",
    "Square picture of the crop, of any size; Apply Edit makes the portrait of it": (
        "Quadratisches Bild des Ausschnitts, beliebig groß; „Bearbeitung anwenden“ macht daraus das Porträt"
    ),
    "Matte": "Maske",
    "Picture of the photo's size, white or opaque where the subject is; without one the networks find it": (
        "Bild von der Größe des Fotos, weiß oder deckend, wo das Motiv ist; ohne eines finden es die Netze"
    ),
    "Portrait File": "Porträtdatei",
    "The portrait made from the photo": "Das Porträt, das aus dem Foto gemacht wurde",
    "Face": "Gesicht",
    "Which face of the photo; 0 is the likeliest one": "Welches Gesicht des Fotos; 0 ist das wahrscheinlichste",
    "Box": "Rahmen",
    "Left, top, right and bottom of the face in pixels of the photo": (
        "Links, oben, rechts und unten des Gesichts in Pixeln des Fotos"
    ),
    "Score": "Wert",
    "How sure it is that this is a face, from 0 to 1": "Wie sicher dies ein Gesicht ist, von 0 bis 1",
    "Distance between the eyes, as seen from in front, in pixels of the photo": (
        "Abstand der Augen, von vorn gesehen, in Pixeln des Fotos"
    ),
    "Frame the head yourself instead of taking the face that was found": (
        "Den Kopf selbst einrahmen, statt das gefundene Gesicht zu nehmen"
    ),
    "Landmarks and Pose": "Gesichtspunkte und Haltung",
    "By Hand": "Von Hand",
    "Landmarks": "Gesichtspunkte",
    "Landmarks by Hand": "Gesichtspunkte von Hand",
    "Keep the landmarks as they are on the photo instead of finding them": (
        "Die Gesichtspunkte auf dem Foto so behalten, wie sie sind, statt sie zu suchen"
    ),
    "Pose by Hand": "Haltung von Hand",
    "Set where the head turns instead of taking what follows from the landmarks": (
        "Die Drehung des Kopfes setzen, statt zu nehmen, was aus den Gesichtspunkten folgt"
    ),
    "Yaw": "Gierung",
    "How far to the right of the face the photo's camera stands, in degrees": (
        "Wie weit rechts vom Gesicht die Kamera des Fotos steht, in Grad"
    ),
    "Pitch": "Nicken",
    "How far above the face the photo's camera stands, in degrees": (
        "Wie weit über dem Gesicht die Kamera des Fotos steht, in Grad"
    ),
    "Centre": "Mitte",
    "Centre of the crop in pixels of the photo, from its top left corner": (
        "Mitte des Ausschnitts in Pixeln des Fotos, von dessen linker oberer Ecke"
    ),
    "Size": "Größe",
    "Side of the crop in pixels of the photo; a head with hair fills about two thirds of it": (
        "Seite des Ausschnitts in Pixeln des Fotos; ein Kopf mit Haar füllt etwa zwei Drittel davon"
    ),
    "Roll": "Drehung",
    "How far the head is tilted clockwise in the photo, in degrees": (
        "Wie weit der Kopf im Foto im Uhrzeigersinn geneigt ist, in Grad"
    ),
    "Pose": "Haltung",
    "Where the photo's camera stands: yaw, pitch and roll in degrees": (
        "Wo die Kamera des Fotos steht: Gierung, Nicken und Rollen in Grad"
    ),
    "Model": "Modell",
    "The model that made the portrait": "Das Modell, das dieses Porträt gemacht hat",
    "Model SHA-256": "SHA-256 des Modells",
    "Checksum of the model that made the portrait": "Prüfsumme des Modells, das dieses Porträt gemacht hat",
    "File": "Datei",
    "Also write the view to this PNG file": "Die Ansicht auch in diese PNG-Datei schreiben",
    "Background": "Hintergrund",
    "Show what the model takes for the photo's background behind the subject": (
        "Hinter der Person zeigen, was das Modell für den Hintergrund des Fotos hält"
    ),
    "Pack on Save": "Beim Speichern packen",
    "When the .blend is saved, keep portraits and photos inside it instead of beside it": (
        "Porträts und Fotos beim Speichern in der .blend aufbewahren statt daneben"
    ),
    "With Photo": "Mit Foto",
    "Also pack the photo, without its metadata, so that it can be inverted again": (
        "Auch das Foto packen, ohne seine Metadaten, damit es wieder invertiert werden kann"
    ),
    "Packed Files": "Gepackte Dateien",
    "Portrait and photo inside the .blend": "Porträt und Foto in der .blend",
    "Crop": "Ausschnitt",
    "Copy face and crop, in proportion to the size of the photo": (
        "Gesicht und Ausschnitt übertragen, im Verhältnis zur Größe des Fotos"
    ),
    "Copy whether the background is shown": "Übertragen, ob der Hintergrund zu sehen ist",
    "Placement": "Lage",
    "Copy rotation and scale, not the location": "Drehung und Skalierung übertragen, nicht die Position",
    "Difference": "Unterschied",
    "Add a third picture: how far the portrait is from the photo": (
        "Ein drittes Bild hinzufügen: wie weit das Porträt vom Foto abweicht"
    ),
    "Side of each picture in pixels": "Seite jedes Bildes in Pixeln",
    "Open Image Editor": "Bildeditor öffnen",
    "Split the area for an image editor when none is open": (
        "Den Bereich für einen Bildeditor teilen, wenn keiner offen ist"
    ),
    "All Portraits": "Alle Porträts",
    "Look for the missing files of all portraits, not only of the active one": (
        "Nach den fehlenden Dateien aller Porträts suchen, nicht nur nach denen des aktiven"
    ),
    "What is behind the subject": "Was hinter der Person ist",
    "Passes": "Durchgänge",
    "Motion Blur": "Bewegungsunschärfe",
    "Portrait Alpha": "Porträt-Alpha",
    "How much of each pixel the portraits cover, with an opaque film, too; a matte for compositing": (
        "Wie viel jedes Pixels die Porträts bedecken, auch bei undurchsichtigem Film; eine Maske fürs Compositing"
    ),
    "Include": "Enthalten",
    "Depth": "Tiefe",
    "Stereoscopy is on, but not supported": "Stereoskopie ist an, wird aber nicht unterstützt",
    "None": "Keiner",
    "Transparent": "Durchsichtig",
    "Photo's": "Der des Fotos",
    "What the model takes for the photo's background": "Was das Modell für den Hintergrund des Fotos hält",
    "Blur Samples": "Unschärfe-Abtastungen",
    (
        "Pictures of which one with depth of field or motion blur is made, in place of Smooth Edges; more show fewer"
        " steps"
    ): "Bilder, aus denen eines mit Tiefen- oder Bewegungsunschärfe entsteht, statt Weicher Kanten; mehr zeigen"
    " weniger Stufen",
    "Smooth Edges": "Weiche Kanten",
    "Samples per pixel of the render engine; more take longer and smooth the edges": (
        "Abtastungen der Render-Engine je Pixel; mehr dauern länger und glätten die Kanten"
    ),
    "1": "1",
    "One sample in the pixel's centre": "Eine Abtastung in der Mitte des Pixels",
    "4": "4",
    "2 × 2 samples": "2 × 2 Abtastungen",
    "9": "9",
    "3 × 3 samples": "3 × 3 Abtastungen",
    "16": "16",
    "4 × 4 samples": "4 × 4 Abtastungen",
    "What draws the portraits, in the viewport and in renders": (
        "Was die Porträts zeichnet, in der Ansicht und beim Rendern"
    ),
    "The GPU, or the CPU where there is no GPU or none that is faster": (
        "Die GPU, oder die CPU, wo es keine GPU oder keine schnellere gibt"
    ),
    "GPU": "GPU",
    "The GPU, however slow; the CPU only where it fails": (
        "Die GPU, wie langsam auch immer; die CPU nur, wo sie versagt"
    ),
    "CPU": "CPU",
    "The CPU, which shows coarse pictures while the view moves": (
        "Die CPU, die grobe Bilder zeigt, während sich die Ansicht bewegt"
    ),
    "Import this photo first; empty for the active portrait": (
        "Zuerst dieses Foto importieren; leer für das aktive Porträt"
    ),
    "How many sheets": "Wie viele Schichten",
    "24": "24",
    "Every sheet of the portrait": "Jede Schicht des Porträts",
    "12": "12",
    "Neighbouring sheets merged: half the geometry, a little less parallax": (
        "Benachbarte Schichten vereint: halbe Geometrie, etwas weniger Parallaxe"
    ),
    "Look": "Aussehen",
    "Where the layers' light comes from": "Woher das Licht der Schichten kommt",
    "As in the Photo": "Wie im Foto",
    "The layers shine with the photo's own light, whatever lights the scene has": (
        "Die Schichten leuchten mit dem Licht des Fotos, welche Lichter die Szene auch hat"
    ),
    "Lit": "Beleuchtet",
    "The scene's lights fall on the face; the photo's colours are its skin and hair": (
        "Die Lichter der Szene fallen auf das Gesicht; die Farben des Fotos sind Haut und Haar"
    ),
    "Take the photo's light and the shadows in it off the layers, as the built-in network estimates them,"
    " so that the scene's lights do not add to them": (
        "Nimmt das Licht des Fotos und die Schatten darin von den Schichten, wie das eingebaute Netz sie schätzt,"
        " damit die Lichter der Szene nicht dazukommen"
    ),
    "Triangles": "Dreiecke",
    "Most triangles of all layers together; where a layer is empty it has none": (
        "Höchstzahl der Dreiecke aller Schichten zusammen; wo eine Schicht leer ist, hat sie keine"
    ),
    "In EEVEE": "In EEVEE",
    "How EEVEE mixes the layers; Cycles needs no choice": "Wie EEVEE die Schichten mischt; Cycles braucht keine Wahl",
    "Blended": "Überblendet",
    "Smooth with few samples; seen from in front, layers lie in the right order": (
        "Glatt mit wenigen Abtastungen; von vorn gesehen liegen die Schichten in der richtigen Reihenfolge"
    ),
    "Detail": "Feinheiten",
    "Where the photo's finest detail is kept, beyond what the layers' textures hold": (
        "Wo die feinsten Einzelheiten des Fotos liegen, die über die Texturen der Schichten hinausgehen"
    ),
    "One Image": "Ein Bild",
    "All layers add one shared image: little memory; other programs do not see it": (
        "Alle Schichten fügen ein gemeinsames Bild hinzu: wenig Speicher; andere Programme sehen es nicht"
    ),
    "In Each Layer": "In jeder Schicht",
    "Part of every layer's texture, which grows for that: for export to other programs": (
        "Teil der Textur jeder Schicht, die dafür wächst: zum Export in andere Programme"
    ),
    "Dithered": "Gerastert",
    "Grainy with few samples; right from everywhere and among objects that run into it": (
        "Körnig mit wenigen Abtastungen; richtig von überall und zwischen Objekten, die hineinragen"
    ),
    "Cast Shadow": "Schatten werfen",
    "Also add the surface that casts the portrait's shadow; cameras do not see it": (
        "Auch die Fläche hinzufügen, die den Schatten des Porträts wirft; Kameras sehen sie nicht"
    ),
    "Resolution": "Auflösung",
    "Quads along one side of a sheet; empty ones are left out": (
        "Vierecke entlang einer Seite einer Schicht; leere werden weggelassen"
    ),
    "Also add the flat background of the photo": "Auch den flachen Hintergrund des Fotos hinzufügen",
    "Samples along the surface; higher shows finer detail and takes longer": (
        "Abtastungen entlang der Oberfläche; mehr zeigen feinere Einzelheiten und dauern länger"
    ),
    "Faces": "Flächen",
    "Simplify to about this many triangles; 0 keeps all": (
        "Auf ungefähr so viele Dreiecke vereinfachen; 0 behält alle"
    ),
    "Smoothing": "Glättung",
    "Rounds of smoothing; 0 keeps the raw surface": "Durchgänge der Glättung; 0 lässt die Oberfläche, wie sie ist",
    "Closed": "Geschlossen",
    "Close the back and the neck, for printing and for simulation": (
        "Hinterkopf und Hals schließen, zum Drucken und für Simulationen"
    ),
    "Texture": "Textur",
    "Texels along each side of the mesh's texture": "Texel entlang jeder Seite der Textur des Mesh",
    "As the Photo": "Wie das Foto",
    "As many texels as show all that the photo shows, at most 2048²": (
        "So viele Texel, dass alles zu sehen ist, was das Foto zeigt, höchstens 2048²"
    ),
    "Topology": "Topologie",
    "What the mesh is made of": "Woraus das Mesh besteht",
    "Surface": "Oberfläche",
    "The portrait's surface as triangles, hair and clothes included": (
        "Die Oberfläche des Porträts als Dreiecke, Haare und Kleidung eingeschlossen"
    ),
    "Head": "Kopf",
    "Quads of a head wrapped onto the portrait, with eyes, teeth, shape keys, and hair beside it": (
        "Ein Kopf aus Vierecken, auf das Porträt gelegt, mit Augen, Zähnen, Formschlüsseln und seinen Haaren"
    ),
    "Shape Keys": "Formschlüssel",
    "The head at rest, ARKit's 52 shapes, and the photo's expression as the key \"photo\"": (
        "Der Kopf in Ruhe mit ARKits 52 Formen, und der Ausdruck des Fotos als Schlüssel „photo“"
    ),
    "Subdivision": "Unterteilung",
    "Levels of a Subdivision Surface modifier on the head; 0 adds none": (
        "Stufen eines Modifikators Unterteilungsfläche auf dem Kopf; 0 fügt keinen hinzu"
    ),
    "Delit": "Ohne Licht des Fotos",
    "Take the photo's light and the shadows in it off the texture, as the built-in network estimates them."
    " Highlights and the colour of the light stay": (
        "Das Licht des Fotos und die Schatten darin aus der Textur nehmen, wie das eingebaute Netz sie schätzt."
        " Glanzlichter und die Farbe des Lichts bleiben"
    ),
    "Unlit": "Unbeleuchtet",
    "Show the texture as the photo is, without the scene's light; Toggle Light changes it later": (
        "Die Textur zeigen, wie das Foto ist, ohne das Licht der Szene; „Licht umschalten“ ändert es später"
    ),
    "Toggle Light": "Licht umschalten",
    "Texture and Light": "Textur und Licht",
    "Let the scene's light fall on the selected meshes, or show their textures as they are": (
        "Das Licht der Szene auf die ausgewählten Meshes fallen lassen oder ihre Texturen zeigen, wie sie sind"
    ),
    "Select a mesh that was extracted from a portrait": "Ein Mesh auswählen, das aus einem Porträt extrahiert wurde",
    "Shade Smooth": "Weich schattieren",
    "Smooth shading instead of facets": "Weiche Schattierung statt Facetten",
    "Whole Photo": "Ganzes Foto",
    "Reproduce the whole photo instead of the upright crop of the head": (
        "Das ganze Foto wiedergeben statt des aufrechten Ausschnitts um den Kopf"
    ),
    "Show Photo": "Foto zeigen",
    "Show the picture behind the camera's view": "Das Bild hinter der Kameraansicht zeigen",
    "Frames": "Einzelbilder",
    "Length of the move; the scene's frame range is set to it": (
        "Länge der Bewegung; der Bildbereich der Szene wird darauf gesetzt"
    ),
    "Swing": "Schwenk",
    "Largest angle to each side": "Größter Winkel nach jeder Seite",
    "Lens": "Objektiv",
    "Focal length in millimetres; the camera's distance follows from it": (
        "Brennweite in Millimetern; der Abstand der Kamera folgt daraus"
    ),
    "Near": "Nah",
    "Distance from the head at the end, in metres": "Abstand vom Kopf am Ende, in Metern",
    "Far": "Fern",
    "Distance from the head at the beginning, in metres": "Abstand vom Kopf am Anfang, in Metern",
    "Photos": "Fotos",
    "Folder with portrait photos": "Ordner mit Porträtfotos",
    "Results": "Ergebnisse",
    "Folder that receives one folder per photo": "Ordner, der für jedes Foto einen Ordner erhält",
    "Meshes": "Meshes",
    "Also write a textured .glb per photo": "Zu jedem Foto auch eine texturierte .glb schreiben",
    "Views": "Ansichten",
    "Also write views turned by these angles, in degrees, as in -30,0,30": (
        "Auch Ansichten schreiben, die um diese Winkel gedreht sind, in Grad, etwa -30,0,30"
    ),
    "Resume": "Fortsetzen",
    "Keep what is already finished in the results folder": "Behalten, was im Ergebnisordner schon fertig ist",
}

_PREFERENCES = {
    "Device": "Gerät",
    "Where the networks run": "Worauf die Netze laufen",
    "Automatic": "Automatisch",
    "A graphics card where this build can use it, else the processor": (
        "Eine Grafikkarte, wo diese Ausgabe sie nutzen kann, sonst der Prozessor"
    ),
    "Processor": "Prozessor",
    "Always the processor: the same bytes everywhere": "Immer der Prozessor: überall dieselben Bytes",
    "CUDA": "CUDA",
    "An NVIDIA graphics card; needs the GPU build of the extension": (
        "Eine Grafikkarte von NVIDIA; braucht die GPU-Ausgabe der Erweiterung"
    ),
    "DirectML": "DirectML",
    "Any graphics card on Windows; needs a build with DirectML": (
        "Jede Grafikkarte unter Windows; braucht eine Ausgabe mit DirectML"
    ),
    "Accelerated": "Beschleunigt",
    "The first device of this build that works, else the processor": (
        "Das erste Gerät dieser Ausgabe, das geht, sonst der Prozessor"
    ),
    "WebGPU": "WebGPU",
    "Any graphics card; needs a build with WebGPU": "Jede Grafikkarte; braucht eine Ausgabe mit WebGPU",
    "OpenVINO": "OpenVINO",
    "Intel's processors and graphics; needs a build with OpenVINO": (
        "Intels Prozessoren und Grafik; braucht eine Ausgabe mit OpenVINO"
    ),
    "Core ML": "Core ML",
    "Apple's accelerators": "Die Beschleuniger von Apple",
    "Threads": "Threads",
    "Processor threads to use; 0 takes all": "Wie viele Threads des Prozessors; 0 nimmt alle",
    "Folder of another model; empty for the one that comes with the extension": (
        "Ordner eines anderen Modells; leer für das mitgelieferte"
    ),
    "Folder": "Ordner",
    "Where portraits of unsaved files are kept; empty for Blender's own user folder": (
        "Wo Porträts ungespeicherter Dateien liegen; leer für Blenders eigenen Benutzerordner"
    ),
    "Find the panel in the 3D viewport: press N, tab Portrait": (
        "Das Bedienfeld ist in der 3D-Ansicht: N drücken, Reiter Porträt"
    ),
}

_REPORTS = {
    "Portrait Manifolds keeps {name} in this text datablock. The portrait is lost when it is deleted.\n": (
        "Portrait Manifolds bewahrt {name} in diesem Textblock auf. Wird er gelöscht, ist das Porträt verloren.\n"
    ),
    "{what}: {percent:.0f} %  {text}  ({seconds:.0f} s)   Esc: cancel": (
        "{what}: {percent:.0f} %  {text}  ({seconds:.0f} s)   Esc: abbrechen"
    ),
    "Loading the model": "Modell wird geladen",
    "Saving the portrait": "Porträt wird gespeichert",
    "{what} was cancelled": "{what} wurde abgebrochen",
    "Select a portrait, or import a photo first": "Ein Porträt auswählen oder zuerst ein Foto importieren",
    "Select a portrait that has been inverted": "Ein Porträt auswählen, das invertiert wurde",
    "Prepare Scene": "Szene vorbereiten",
    "Let Cycles follow rays through all layers: raise the scene's transparent bounces if they are too few": (
        "Cycles Strahlen durch alle Schichten verfolgen lassen: die Transparenz-Sprünge der Szene anheben, wenn es "
        "zu wenige sind"
    ),
    "Layers turn black in Cycles here": "Schichten werden hier in Cycles schwarz",
    "Too few transparent bounces": "Zu wenige Transparenz-Sprünge",
    "The library {path} does not work ({error}); install the extension's zip for this platform again": (
        "Die Bibliothek {path} arbeitet nicht ({error}); die Zip-Datei der Erweiterung für diese Plattform neu "
        "installieren"
    ),
    "The library {path} does not work ({error}); it did not come with the extension, but Python takes it first: "
    "remove it, or what put it there": (
        "Die Bibliothek {path} arbeitet nicht ({error}); sie kam nicht mit der Erweiterung, aber Python nimmt sie "
        "zuerst: entfernen, oder was sie dort hingelegt hat"
    ),
    "The scene has no camera; add one, or use Add Camera": (
        "Die Szene hat keine Kamera; eine hinzufügen, etwa mit „Kamera hinzufügen“"
    ),
    "Use it in a 3D viewport": "In einer 3D-Ansicht verwenden",
    "Stereoscopy is not supported by Portrait Manifolds; turn it off in the output properties": (
        "Portrait Manifolds kann keine Stereoskopie; in den Ausgabe-Eigenschaften ausschalten"
    ),
    "No face was found in {name}; set the crop by hand in the sidebar, tab Portrait": (
        "In {name} wurde kein Gesicht gefunden; den Ausschnitt von Hand setzen (Seitenleiste, Reiter Porträt)"
    ),
    "There is no face {face}, the photo has {count}; the last one is used": (
        "Es gibt kein Gesicht {face}, das Foto hat {count}; das letzte wird genommen"
    ),
    "{count} faces were found, face {face} is used; pick another one in the sidebar, tab Portrait": (
        "{count} Gesichter gefunden, Gesicht {face} wird genommen; ein anderes in der Seitenleiste wählen"
    ),
    "Paint on {image}, then press Apply Edit": "Auf {image} malen, dann „Bearbeitung anwenden“ drücken",
    "Press Edit Photo first": "Zuerst „Foto bearbeiten“ drücken",
    "{name} is no square image with 8 bits per channel; choose another one, or none and press Edit Photo": (
        "{name} ist kein quadratisches Bild mit 8 Bit je Kanal; ein anderes wählen, oder keines und „Foto bearbeiten“ "
        "drücken"
    ),
    "{name} shows the edit; Ctrl Z brings the former portrait back": (
        "{name} zeigt die Bearbeitung; Strg Z holt das vorige Porträt zurück"
    ),
    "{name} is ready; Show in Viewport looks at it": "{name} ist fertig; „In der Ansicht zeigen“ sieht es an",
    "From where the viewport looks at the portrait": "Von wo die Ansicht auf das Porträt sieht",
    "Side": "Seite",
    "As Photographed": "Wie fotografiert",
    "Front": "Vorn",
    "Keep a view that shows the portrait well, else look as the photo's camera did": (
        "Eine Ansicht behalten, die das Porträt gut zeigt, sonst sehen wie die Kamera des Fotos"
    ),
    "Look from where the photo was taken": "Von dort sehen, wo das Foto aufgenommen wurde",
    "Look the head in the face": "Dem Kopf ins Gesicht sehen",
    "The scene now renders through {camera}, {width} × {height} pixels": (
        "Die Szene rendert jetzt durch {camera}, {width} × {height} Pixel"
    ),
    "Rendered {width} × {height} pixels into the image “{image}”": (
        "{width} × {height} Pixel in das Bild „{image}“ gerendert"
    ),
    "Added {count} layers with {triangles} triangles": "{count} Schichten mit {triangles} Dreiecken hinzugefügt",
    "Added a head of {quads} quads with {parts} parts beside it": (
        "Ein Kopf aus {quads} Vierecken ist da, daneben {parts} Teile"
    ),
    "Added a mesh with {vertices} vertices and {faces} triangles": (
        "Mesh mit {vertices} Punkten und {faces} Dreiecken hinzugefügt"
    ),
    "{name} is empty: nothing of it is solid enough to be seen; run Invert again": (
        "{name} ist leer: Nichts darin ist dicht genug, um gesehen zu werden; noch einmal invertieren"
    ),
    "{done} of {count} portraits made": "{done} von {count} Porträts gemacht",
    "{name}: {reason}": "{name}: {reason}",
    "Choose a folder of photos and a folder for the results": (
        "Einen Ordner mit Fotos und einen Ordner für die Ergebnisse wählen"
    ),
    "{name} came without its photo; import the photo to invert it again": (
        "{name} kam ohne sein Foto; zum erneuten Invertieren das Foto importieren"
    ),
    "the matte {name} has no pixels; reload it in an image editor, or choose another one": (
        "Die Maske {name} hat keine Pixel; sie in einem Bildeditor neu laden oder eine andere wählen"
    ),
    "the photo {path} is missing; restore it, relink it, or import another one": (
        "Das Foto {path} fehlt; wiederherstellen, neu verknüpfen oder ein anderes importieren"
    ),
    "the portrait file {path} is missing; restore it, relink it, or run Invert again": (
        "Die Porträtdatei {path} fehlt; wiederherstellen, neu verknüpfen oder noch einmal invertieren"
    ),
    "{name} has no portrait yet; run Invert first": "{name} hat noch kein Porträt; zuerst invertieren",
    "{name} was deleted during the job; undo, or import the photo again": (
        "{name} wurde währenddessen gelöscht; rückgängig machen oder das Foto noch einmal importieren"
    ),
    "{name} is left out: {reason}": "{name} wird ausgelassen: {reason}",
    "The CPU draws instead of the GPU: {reason}": "Die CPU zeichnet statt der GPU: {reason}",
    "the GPU takes {seconds} s for a picture": "die GPU braucht {seconds} s für ein Bild",
    "{name} is linked from another .blend; make it local or a library override (Object ▸ Relations) first": (
        "{name} ist aus einer anderen .blend verknüpft; zuerst lokal machen oder überschreiben (Objekt ▸ Beziehungen)"
    ),
    "no face was found in the photo; turn on Crop by Hand and frame the head": (
        "Im Foto wurde kein Gesicht gefunden; „Ausschnitt von Hand“ einschalten und den Kopf einrahmen"
    ),
    "views are written as PNG; name the file .png instead of {suffix}": (
        "Ansichten werden als PNG geschrieben; die Datei .png statt {suffix} nennen"
    ),
    "Select a portrait whose photo is at hand": "Ein Porträt auswählen, dessen Foto da ist",
    "Select other portraits as well; the active one is copied from": (
        "Auch andere Porträts auswählen; vom aktiven wird kopiert"
    ),
    "The crop is set; Refine inverts the portrait again": (
        "Der Ausschnitt ist gesetzt; „Verfeinern“ invertiert das Porträt noch einmal"
    ),
    "{name}: its photo has other proportions, so its crop stays as it is": (
        "{name}: Sein Foto hat andere Seitenverhältnisse, darum bleibt sein Ausschnitt, wie er ist"
    ),
    "Copied to {count} portraits": "Auf {count} Porträts übertragen",
    "The portrait differs from the photo by {error:.1f} of 255 on average, {decibel:.1f} dB": (
        "Das Porträt weicht im Mittel um {error:.1f} von 255 vom Foto ab, {decibel:.1f} dB"
    ),
    "Layers and meshes under {name} still show the earlier inversion; add them again": (
        "Schichten und Meshes unter {name} zeigen noch die frühere Fassung; noch einmal hinzufügen"
    ),
    "Packed {count} portraits, {megabytes:.1f} MB": "{count} Porträts gepackt, {megabytes:.1f} MB",
    "Unpacked {count} portraits to {folder}": "{count} Porträts nach {folder} entpackt",
    "There is nothing to pack; select a portrait with files on disk": (
        "Es gibt nichts zu packen; ein Porträt auswählen, dessen Dateien auf der Platte liegen"
    ),
    "There is nothing packed here": "Hier ist nichts gepackt",
    "{name} was packed by a newer version of Portrait Manifolds; update it to open the portrait": (
        "{name} wurde von einer neueren Version von Portrait Manifolds gepackt; zum Öffnen aktualisieren"
    ),
    "what is packed for {name} is damaged; relink the portrait file, or run Invert again": (
        "Was für {name} gepackt ist, ist beschädigt; die Porträtdatei neu verknüpfen oder noch einmal invertieren"
    ),
    "Portrait Manifolds: {name} could not be packed ({reason}); it stays beside the .blend": (
        "Portrait Manifolds: {name} konnte nicht gepackt werden ({reason}); es bleibt neben der .blend"
    ),
    "Found {count} of {missing} missing files": "{count} von {missing} fehlenden Dateien gefunden",
    "No missing file was found in {folder}; choose another folder, or the file itself": (
        "In {folder} wurde keine fehlende Datei gefunden; einen anderen Ordner wählen oder die Datei selbst"
    ),
    "{name} has {width} × {height} pixels, the portrait's photo had {old_width} × {old_height}; choose another file": (
        "{name} hat {width} × {height} Pixel, das Porträtfoto hatte {old_width} × {old_height}; andere Datei wählen"
    ),
    "{name} is neither a photo nor a portrait (.manifolds); choose another file": (
        "{name} ist weder ein Foto noch ein Porträt (.manifolds); eine andere Datei wählen"
    ),
    "the folder {folder} holds too many files to search; choose a smaller one": (
        "Der Ordner {folder} enthält zu viele Dateien zum Durchsuchen; einen kleineren wählen"
    ),
    "{folder} holds the model {id}, but the portrait was made with {wanted}; choose another folder": (
        "{folder} enthält das Modell {id}, das Porträt wurde aber mit {wanted} gemacht; einen anderen Ordner wählen"
    ),
    "Portraits are now made with the model {id}": "Porträts werden jetzt mit dem Modell {id} gemacht",
    "{count} portraits, row {row} of {rows}": "{count} Porträts, Zeile {row} von {rows}",
    "{count} portraits, with blur": "{count} Porträts, mit Unschärfe",
    "Portrait Manifolds: {path} could not be copied beside the .blend ({reason}); it stays where it is": (
        "Portrait Manifolds: {path} konnte nicht neben die .blend kopiert werden ({reason}); es bleibt, wo es ist"
    ),
    "Not enough memory; use a smaller resolution": "Zu wenig Speicher; eine kleinere Auflösung verwenden",
    "A library is missing ({error}); install the extension's zip for this platform again": (
        "Eine Bibliothek fehlt ({error}); die Zip-Datei der Erweiterung für dieses System neu installieren"
    ),
    "Unexpected {kind}: {error}; the system console has the details": (
        "Unerwarteter Fehler {kind}: {error}; Näheres steht in der Systemkonsole"
    ),
}

GERMAN = _OPERATORS | _PANELS | _PROPERTIES | _PREFERENCES | _REPORTS | WORK | ENGINE
