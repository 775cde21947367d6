// SIGTERM and SIGINT ask the program to end; SIGHUP asks it to read its files anew; SIGPIPE is ignored.
#pragma once

#include <chrono>
#include <functional>

namespace tps {

// From now on SIGTERM and SIGINT end the program at once, even as the first process of a container, for which the
// system ignores them by default. Call first. block_signals() takes over where the program ends in an orderly way.
void end_on_signals();

// Blocks the signals for this thread and all it will start. Call before the first thread.
void block_signals();

// Waits for SIGTERM or SIGINT; calls `reload` at each SIGHUP and goes on waiting.
void wait_for_end(const std::function<void()>& reload);

// Waits for at most `patience`, while there is nothing to reload yet. True: SIGTERM or SIGINT arrived.
bool wait_for_end(std::chrono::milliseconds patience);

}  // namespace tps
