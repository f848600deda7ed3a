"""A repository written out in the WORKSPACE file: stand-ins for what Bazel would download."""

def _write_files(context):
    for path, content in context.attr.files.items():
        context.file(path, content, executable = False)

inline_repository = repository_rule(
    implementation = _write_files,
    attrs = {"files": attr.string_dict(doc = "Content by path.")},
)
