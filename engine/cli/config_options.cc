#include "engine/cli/config_options.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

namespace sluice {
namespace {

std::string_view where_words(const ConfigErrors& found) {
  if (found.exit_code != EX_USAGE) return "the configuration";
  const bool flags_alone = std::ranges::all_of(
      found.errors, [](const Finding& error) { return error.place.kind == Place::Kind::kFlag; });
  return flags_alone ? "the command line" : "the command line and the configuration";
}

}  // namespace

ConfigSources ConfigOptions::sources() const {
  ConfigSources out;
  out.file = file;
  std::string addresses;
  for (const std::string& address : listen) addresses += (addresses.empty() ? "" : ",") + address;
  const auto add = [&](const char* path, const std::string& text, const char* flag) {
    if (!text.empty()) out.flags.push_back({path, text, flag});
  };
  add("listen", addresses, "--listen");
  add("shards", shards, "--shards");
  add("log.level", log_level, "--log-level");
  add("log.format", log_format, "--log-format");
  return out;
}

std::shared_ptr<const ConfigOptions> add_config_options(CLI::App& command) {
  auto options = std::make_shared<ConfigOptions>();
  command.add_option("-c,--config", options->file, "the configuration file")->type_name("FILE");
  command.add_option("--listen", options->listen, "where to accept connections; may be repeated")
      ->type_name("ADDRESS:PORT")
      ->expected(1)
      ->take_all();
  command.add_option("--shards", options->shards, "threads that serve (default: one per CPU)")
      ->type_name("N");
  command.add_option("--log-level", options->log_level, "debug, info, warning or error")
      ->type_name("LEVEL");
  command.add_option("--log-format", options->log_format, "text or json")->type_name("FORMAT");
  return options;
}

int with_config(const ConfigOptions& options, Purpose purpose,
                const std::function<int(const Config&)>& command) {
  const auto config = load_config(options.sources(), ProcessEnvironment(), purpose);
  if (config) {
    fmt::print(stderr, "{}", warnings_text(config->warnings));
    return command(*config);
  }
  const ConfigErrors& found = config.error();
  fmt::print(stderr, "{}sluice: {} error{} in {}\n", found.text(), found.errors.size(),
             found.errors.size() == 1 ? "" : "s", where_words(found));
  return found.exit_code;
}

}  // namespace sluice
