// `tps hash-password`: the hash of a password, for a line of the users-file.
#pragma once

namespace tps {

// Reads the password from a terminal without showing it, or else the first line of stdin; prints its hash. The exit
// code.
int hash_password();

}  // namespace tps
