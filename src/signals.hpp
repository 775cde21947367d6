// SIGTERM and SIGINT ask the program to end; SIGHUP changes nothing (there is nothing to reload); SIGPIPE is ignored.
#pragma once

#include <chrono>

namespace tps {

// Blocks the signals for this thread and all it will start. Call before the first thread.
void block_signals();

// Waits for SIGTERM or SIGINT; logs SIGHUP and goes on waiting.
void wait_for_end();

// The same for at most `patience`. True: it came.
bool wait_for_end(std::chrono::milliseconds patience);

}  // namespace tps
