"""How contenders are timed, in turns, each runtime in a process of its own; and who else used the cores."""
