// Flamenco job type: portraits of a folder of photos. Put this file into the folder "scripts" beside the manager. Each
// worker needs the program, the photos and the results under the same paths, or under Flamenco's two-way variables.
const JOB_TYPE = {
    label: "Portraits of Photos",
    description: "A portrait of every photo in a folder, with meshes and turned views",
    settings: [
        { key: "photos", type: "string", subtype: "dir_path", required: true, description: "Folder with portrait photos" },
        { key: "results", type: "string", subtype: "dir_path", required: true,
          description: "Folder that receives one folder per photo" },
        { key: "parts", type: "int32", default: 10, description: "Into how many tasks the folder is cut" },
        { key: "workers", type: "int32", default: 1, description: "Processes of each task" },
        { key: "threads", type: "int32", default: 0, description: "Of all processes of a task; 0 takes all cores" },
        { key: "mesh", type: "bool", default: false, description: "Also write a textured mesh of each" },
        { key: "views", type: "string", default: "", description: "Also write views turned by these degrees: -20,0,20" },
        { key: "blender_cmd", type: "string", default: "{blender}", visible: false },
    ]
};

function compileJob(job) {
    const settings = job.settings;
    const parts = Math.max(1, settings.parts);
    for (let part = 1; part <= parts; part++) {
        const task = author.Task(`portraits-${part}-of-${parts}`, "blender");
        task.addCommand(author.Command("exec", {
            exe: settings.blender_cmd,
            args: ["--command", "portrait_manifolds"].concat(batchArguments(settings, part, parts)),
        }));
        job.addTask(task);
    }
}

// What python -m inference takes as well. With --resume a task that is run again repeats nothing that is finished.
function batchArguments(settings, part, parts) {
    let args = [
        "batch", settings.photos, "--out", settings.results, "--chunk", `${part}/${parts}`,
        "--workers", String(settings.workers), "--threads", String(settings.threads), "--resume", "--quiet", "--json",
    ];
    if (settings.mesh) args.push("--mesh");
    if (settings.views) args.push(`--views=${settings.views}`);
    return args;
}
