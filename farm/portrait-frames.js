// Flamenco job type: an animation rendered with the engine Portraits. Each worker's Blender has the extension enabled;
// the .blend has its portraits packed, or beside it. Put this file into the folder "scripts" beside the manager.
const JOB_TYPE = {
    label: "Portrait Frames",
    description: "Frames of a scene with portraits, rendered by their own engine",
    settings: [
        { key: "blendfile", type: "string", required: true, visible: false,
          description: "Path of the .blend file" },
        { key: "frames", type: "string", required: true, eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          description: "Frames to render: 47, or 1-30, or 3,5-10" },
        { key: "chunk_size", type: "int32", default: 4, description: "Frames of each task" },
        { key: "render_output", type: "string", subtype: "file_path", required: true,
          description: "Where frames go: a path with one # per digit" },
        { key: "blender_cmd", type: "string", default: "{blender}", visible: false },
    ]
};

const ENGINE = "PORTRAIT_MANIFOLDS";

function compileJob(job) {
    const settings = job.settings;
    for (let chunk of frameChunker(settings.frames, settings.chunk_size)) {
        const task = author.Task(`frames-${chunk}`, "blender");
        task.addCommand(author.Command("blender-render", {
            exe: settings.blender_cmd,
            exeArgs: "{blenderArgs}",
            argsBefore: [],
            blendfile: settings.blendfile,
            args: [
                "--engine", ENGINE,
                "--render-output", settings.render_output,
                "--render-frame", chunk.replaceAll("-", ".."),
            ],
        }));
        job.addTask(task);
    }
}
