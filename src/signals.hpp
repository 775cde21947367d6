// SIGTERM and SIGINT ask the program to end; SIGHUP changes nothing (there is nothing to reload); SIGPIPE is ignored.
#pragma once

namespace tps {

// Blocks the signals for this thread and all it will start. Call before the first thread.
void block_signals();

// Waits for SIGTERM or SIGINT and returns which; logs SIGHUP and goes on waiting.
int wait_for_end();

}  // namespace tps
