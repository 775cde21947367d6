// `tps completion`: scripts that let a shell complete commands, options and values.
#pragma once

#include <string>

#include "commands/page.hpp"

namespace tps {

// Each for the whole program. Usage: source <(tps completion bash)
std::string bash_completion(const Page& program);
std::string zsh_completion(const Page& program);
std::string fish_completion(const Page& program);

// Of "bash", "zsh" or "fish", on stdout. The exit code.
int print_completion(const Page& program, const std::string& shell);

}  // namespace tps
