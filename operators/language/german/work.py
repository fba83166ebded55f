"""German texts of jobs, problems, the batch panel and the preferences page."""

_JOBS = {
    "Stop this job, or take it out of the queue": "Diese Aufgabe anhalten oder aus der Warteschlange nehmen",
    "Job": "Aufgabe",
    "Number of the job; 0 for the one that runs": "Nummer der Aufgabe; 0 für die laufende",
    "{title}: {subject}": "{title}: {subject}",
    "{job} (waiting)": "{job} (wartet)",
    "   {count} waiting": "   {count} warten",
    "{name} is already being inverted; wait until it is done or cancel it": (
        "{name} wird schon invertiert; abwarten oder abbrechen"
    ),
    "{what}: {subject}": "{what}: {subject}",
    "Problem": "Problem",
    "Number of the problem": "Nummer des Problems",
    "Name of the portrait object; empty for the active one": "Name des Porträtobjekts; leer für das aktive",
    "Dismiss": "Schließen",
    "Take this message off the panel": "Diese Meldung aus dem Bedienfeld nehmen",
    "Set Crop by Hand": "Ausschnitt von Hand setzen",
    "Turn on Crop by Hand and begin with a square in the middle of the photo": (
        "„Ausschnitt von Hand“ einschalten und mit einem Quadrat in der Mitte des Fotos beginnen"
    ),
    "Choose Photo": "Foto wählen",
    "Choose Photo…": "Foto wählen …",
    "Choose the photo of this portrait: where it is now, or another one": (
        "Das Foto dieses Porträts wählen: wo es jetzt ist, oder ein anderes"
    ),
    "Portrait Preferences": "Porträt-Einstellungen",
    "Preferences…": "Einstellungen …",
    "Open the preferences of this extension": "Die Einstellungen dieser Erweiterung öffnen",
    "Use Built-in Model": "Mitgeliefertes Modell verwenden",
    "Use the model that comes with the extension, on the automatic device": (
        "Das mitgelieferte Modell auf dem automatischen Gerät verwenden"
    ),
    "Copy Diagnostics": "Diagnose kopieren",
    "Copy versions, device, model and the last errors, to paste into a report": (
        "Versionen, Gerät, Modell und die letzten Fehler kopieren, zum Einfügen in einen Bericht"
    ),
    "Diagnostics are in the clipboard": "Die Diagnose ist in der Zwischenablage",
    "Import Another Photo…": "Anderes Foto importieren …",
    "Set the square in Crop by Hand around the head, then press Invert": (
        "Das Quadrat in „Ausschnitt von Hand“ um den Kopf setzen, dann Invertieren drücken"
    ),
}

_BATCH = {
    "Processes": "Prozesse",
    "Photos worked on at the same time; each process takes its own memory": (
        "Fotos, an denen gleichzeitig gearbeitet wird; jeder Prozess braucht eigenen Speicher"
    ),
    "List Photos": "Fotos auflisten",
    "Look again which photos there are and what is already made of them": (
        "Noch einmal nachsehen, welche Fotos es gibt und was schon daraus gemacht ist"
    ),
    "Stop": "Anhalten",
    "Stop the batch; what is finished stays, and the next run goes on from there": (
        "Den Stapel anhalten; Fertiges bleibt, und der nächste Lauf macht dort weiter"
    ),
    "Retry": "Noch einmal",
    "Work again on this photo, or on all that failed": (
        "Dieses Foto noch einmal bearbeiten, oder alle gescheiterten"
    ),
    "Name of the photo; empty for all that failed": "Name des Fotos; leer für alle gescheiterten",
    "Open": "Öffnen",
    "Add the finished portrait to the scene; of a failed one the photo, to set its crop by hand": (
        "Das fertige Porträt zur Szene hinzufügen; vom gescheiterten das Foto, um den Ausschnitt von Hand zu setzen"
    ),
    "Doubts": "Zweifel",
    "Show what is doubtful about this photo's portrait": "Zeigen, was am Porträt dieses Fotos zweifelhaft ist",
    "File name of the photo": "Dateiname des Fotos",
    "The chosen photo": "Das gewählte Foto",
    "A batch is running; wait for it or stop it": "Ein Stapel läuft; abwarten oder anhalten",
    "{name} is not in the list; list the photos again": "{name} ist nicht in der Liste; die Fotos neu auflisten",
    "No photo failed": "Kein Foto ist gescheitert",
    "{count} photos to do; the panel shows how it goes": "{count} Fotos zu bearbeiten; das Bedienfeld zeigt den Stand",
    "Waiting": "Wartet",
    "Working": "In Arbeit",
    "Done": "Fertig",
    "Done before": "Schon fertig",
    "Failed": "Gescheitert",
    "{done} done, {failed} failed, {waiting} to do": "{done} fertig, {failed} gescheitert, {waiting} offen",
    "{state} in {seconds:.1f} s": "{state} in {seconds:.1f} s",
    "{text}, {left} left": "{text}, noch {left}",
    "Retry {count} Failed": "{count} gescheiterte noch einmal",
    "Add to Scene": "Zur Szene hinzufügen",
    "Import to Set Crop": "Importieren, um den Ausschnitt zu setzen",
    "Show Results": "Ergebnisse zeigen",
    "Contact Sheet": "Kontaktbogen",
    "Stopped; the next run goes on from here": "Angehalten; der nächste Lauf macht hier weiter",
    "looking at {name}": "{name} wird angesehen",
}

_PREFERENCES = {
    "Model Folder": "Modellordner",
    "Portraits of Unsaved Files": "Porträts ungespeicherter Dateien",
    "Default Options of New Scenes": "Vorgaben neuer Szenen",
    "A scene takes these when its first portrait is made": "Eine Szene übernimmt sie mit ihrem ersten Porträt",
    "Built-in": "Mitgeliefert",
    "Running on: {device}": "Läuft auf: {device}",
    "Licence: {license}": "Lizenz: {license}",
    "SHA-256: {sha256}": "SHA-256: {sha256}",
    "{name}, {size}": "{name}, {size}",
    "not stated": "nicht angegeben",
    "Install Model": "Modell installieren",
    "Check a model (.zip, or the card.json of its folder) and copy it here": (
        "Ein Modell prüfen (.zip oder die card.json seines Ordners) und hierher kopieren"
    ),
    "Choose Model": "Modell wählen",
    "Make portraits with this model from now on": "Porträts ab jetzt mit diesem Modell machen",
    "Remove Model": "Modell entfernen",
    "Delete this installed model": "Dieses installierte Modell löschen",
    "Folder of the model": "Ordner des Modells",
    "The model {id} is installed and in use; licence: {license}": (
        "Das Modell {id} ist installiert und in Gebrauch; Lizenz: {license}"
    ),
    "Copying the model": "Modell wird kopiert",
    "Clear": "Leeren",
    "Delete portraits of unsaved files, except those that the open file shows": (
        "Porträts ungespeicherter Dateien löschen, außer denen, die die offene Datei zeigt"
    ),
    "{count} portraits, {size}": "{count} Porträts, {size}",
    "Deleted {count} portraits, {size}": "{count} Porträts gelöscht, {size}",
    "the model in {source} has no {name} ({reason}); choose a complete model": (
        "Dem Modell in {source} fehlt {name} ({reason}); ein vollständiges wählen"
    ),
    "{folder} was not installed here; delete it yourself if you no longer need it": (
        "{folder} wurde nicht hier installiert; selbst löschen, wenn es nicht mehr gebraucht wird"
    ),
    "cannot read the model {path} ({reason}); download or copy it again": (
        "Das Modell {path} ist nicht lesbar ({reason}); noch einmal herunterladen oder kopieren"
    ),
    "the model card in {source} cannot be used ({reason}); use another model": (
        "Die Modellkarte in {source} ist unbrauchbar ({reason}); ein anderes Modell verwenden"
    ),
    "{card} is not a model card ({reason}); choose another model": (
        "{card} ist keine Modellkarte ({reason}); ein anderes Modell wählen"
    ),
    "no model in {folder}; choose another one": "Kein Modell in {folder}; ein anderes wählen",
    "it is too large": "sie ist zu groß",
    "it lists no files": "sie nennt keine Dateien",
    "not in the zip": "nicht in der Zip-Datei",
    "the model in {source} lists a file with an odd name; use another model": (
        "Das Modell in {source} nennt eine Datei mit seltsamem Namen; ein anderes verwenden"
    ),
}

WORK = _JOBS | _BATCH | _PREFERENCES
