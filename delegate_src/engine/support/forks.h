// Tells a forked process from its parent, whose memory it has.
#pragma once

namespace patternlite {

// The number of forks between the process that loaded this library and this one. If it has changed,
// threads that were started before belong to another process.
unsigned forks();

}  // namespace patternlite
