// Telling a forked process from the one whose memory it has.
#pragma once

namespace patternlite {

// How many lie between the process that loaded this library and this one. Where that has changed,
// threads that were made before are another process's.
unsigned forks();

}  // namespace patternlite
