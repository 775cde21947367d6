#include <sys/stat.h>

#include <exception>

#include "commands/command_line.hpp"
#include "program/exit.hpp"
#include "program/signals.hpp"

int main(int argc, char** argv) {
  umask(S_IRWXG | S_IRWXO);  // databases, exports and rejected lines hold people's balances
  tps::end_on_signals();
  try {
    const auto command = tps::parse_command_line(argc, argv);
    return command ? (*command)() : command.error();
  } catch (const std::exception& error) {
    return tps::fail(error.what());
  }
}
