#include "commands/node.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "commands/about.hpp"

namespace tps {

Node& add_node(Node& parent, const std::string& word, Runner run) {
  auto node = std::make_unique<Node>();
  node->page = about(parent.page.name + " " + word);
  node->app = parent.app->add_subcommand(word)->allow_extras();
  node->run = std::move(run);
  return *parent.children.emplace_back(std::move(node));
}

std::vector<OptionLine>& group_of(Page& page, std::string_view title) {
  const auto found = std::ranges::find(page.groups, title, &OptionGroup::title);
  if (found != page.groups.end()) return found->options;
  return page.groups.emplace_back(OptionGroup{.title = std::string(title), .options = {}}).options;
}

Page whole_page(const Node& node) {
  Page page = node.page;
  for (const auto& child : node.children) page.commands.push_back(whole_page(*child));
  return page;
}

}  // namespace tps
