// Takes secrets out of what other processes can see of this one.
#pragma once

namespace tps {

// Overwrites the values of secret settings in the command line, which every user of the machine can read, and in the
// environment, which the user of the process can read. Call when the settings have been read.
void hide_secrets(int argc, char** argv);

}  // namespace tps
