#include "engine/config/load.h"

#include <fmt/format.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/wiped_heap.h"
#include "engine/config/check.h"
#include "engine/config/environment.h"
#include "engine/config/read_file.h"
#include "engine/config/reader.h"
#include "engine/config/settings.h"
#include "engine/config/yaml_tree.h"

namespace sluice {
namespace {

constexpr std::size_t kConfigBytesMax = 16 * kMiB;

int exit_code_of(int os_errno) {
  if (os_errno == EACCES || os_errno == EPERM) return EX_NOPERM;
  return os_errno == EIO || os_errno == EFBIG ? EX_IOERR : EX_NOINPUT;
}

// FileChoice - which file is read; `place` says who named it.
struct FileChoice {
  std::string file;
  Place place;
};

FileChoice choose_file(const ConfigSources& sources, const Environment& env) {
  if (!sources.file.empty()) return {sources.file, {}};
  if (const auto named = env.find("SLUICE_CONFIG"); named && !named->empty())
    return {std::string(*named), {Place::Kind::kEnvironment, "SLUICE_CONFIG"}};
  for (const std::string& file : sources.default_files)
    if (access(file.c_str(), F_OK) == 0) return {file, {}};
  return {};
}

// Reads the chosen file into `config`. The exit code when that fails, 0 when it does not.
int read_config_file(const FileChoice& choice, const Environment& env, Config& config,
                     Findings& findings) {
  auto text = read_file(choice.file, kConfigBytesMax);
  if (!text) {
    findings.error(choice.place, text.error().message);
    return exit_code_of(text.error().os_errno);
  }
  const auto tree = parse_yaml(*text, choice.file);
  explicit_bzero(text->data(), text->size());
  if (!tree) {
    findings.error(tree.error().place, tree.error().message);
    return EX_CONFIG;
  }
  FileReader reader(choice.file, env, config.origins, findings);
  reader.read(**tree, [&](KeyVisitor& visitor) { describe(visitor, config); });
  return 0;
}

void apply_flags(const std::vector<FlagValue>& flags, Config& config, Findings& findings) {
  const auto lookup = [&](std::string_view path) -> std::optional<Override> {
    for (const FlagValue& flag : flags)
      if (flag.path == path) return Override{flag.text, {Place::Kind::kFlag, flag.flag}};
    return std::nullopt;
  };
  OverrideReader reader(lookup, "", config.origins, findings);
  describe(reader, config);
}

void apply_stored(const std::vector<SettingText>& stored, Config& config, Findings& findings) {
  for (const Finding& fault : read_settings(stored, config))
    findings.warn(fault.place, fault.path + ": " + fault.message);
}

// Gives each account what it does not say itself, with the origin of where that was said.
void inherit_account_defaults(Config& config) {
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    AccountConfig& account = config.accounts[i];
    const std::string own = fmt::format("accounts[{}].", i);
    const auto inherit = [&](const char* key, auto& value, const char* path,
                             const auto& inherited) {
      if (config.origins.contains(own + key)) return;
      value = inherited;
      config.origins[own + key] = config.origin_of(path);
    };
    const AccountDefaults& defaults = config.account_defaults;
    inherit("rpm_limit", account.rpm_limit, "account_defaults.rpm_limit", defaults.rpm_limit);
    inherit("window", account.window, "account_defaults.window", defaults.window);
    inherit("bucket", account.bucket, "account_defaults.bucket", defaults.bucket);
    inherit("tpm_limit", account.tpm_limit, "account_defaults.tpm_limit", defaults.tpm_limit);
    inherit("rpd_limit", account.rpd_limit, "account_defaults.rpd_limit", defaults.rpd_limit);
    inherit("learn_limits", account.learn_limits, "account_defaults.learn_limits",
            defaults.learn_limits);
    inherit("concurrent_limit", account.concurrent_limit, "account_defaults.concurrent_limit",
            defaults.concurrent_limit);
    const std::string input = own + "cost.input";
    inherit_input_price(account.cost, [&](std::string_view key) {
      return !config.origins
                  .try_emplace(fmt::format("{}cost.{}", own, key), config.origin_of(input))
                  .second;
    });
    account.cost.told =
        config.origins.contains(input) || config.origins.contains(own + "cost.output");
    AccountTimeouts& own_timeouts = account.timeouts;
    const AccountTimeouts& upstream = config.timeouts.upstream;
    inherit("timeouts.connect", own_timeouts.connect, "timeouts.upstream.connect",
            upstream.connect);
    inherit("timeouts.first_byte", own_timeouts.first_byte, "timeouts.upstream.first_byte",
            upstream.first_byte);
    inherit("timeouts.first_token", own_timeouts.first_token, "timeouts.upstream.first_token",
            upstream.first_token);
    inherit("timeouts.idle", own_timeouts.idle, "timeouts.upstream.idle", upstream.idle);
    inherit("timeouts.total", own_timeouts.total, "timeouts.upstream.total", upstream.total);
  }
}

// The data directory: as told ("none": nothing is stored), else the one that systemd gives, else
// the one beside the predecessor's database, else sluice-data/ beside the configuration.
void resolve_store(Config& config, const Environment& env) {
  StoreConfig& store = config.store;
  const auto variable = [&env](std::string_view name) {
    return std::string(env.find(name).value_or(""));
  };
  if (!config.origins.contains("store.directory")) {
    const std::string state = variable("STATE_DIRECTORY");
    const std::filesystem::path database = variable("SIDECAR_DB_PATH");
    const std::filesystem::path folder = !database.empty()
                                             ? database.parent_path()
                                             : std::filesystem::path(config.file).parent_path();
    store.directory =
        !state.empty() ? state.substr(0, state.find(':')) : (folder / "sluice-data").string();
  } else if (std::filesystem::path(store.directory).filename() == "none") {
    store.directory.clear();  // in a file it was taken for a name in the file's folder
  }
  if (store.backup_directory.empty() && !store.directory.empty())
    store.backup_directory = (std::filesystem::path(store.directory) / "backups").string();
}

}  // namespace

std::string warnings_text(const std::vector<Finding>& warnings) {
  std::string out;
  for (const Finding& warning : warnings) out += fmt::format("warning: {}\n", warning.text());
  return out;
}

std::string ConfigErrors::text() const {
  std::string out = warnings_text(warnings);
  for (const Finding& error : errors) out += error.text() + "\n";
  return out;
}

std::expected<Config, ConfigErrors> load_config(const ConfigSources& sources,
                                                const Environment& env, Purpose purpose) {
  const WipedHeap wiped;  // of the keys in the file
  Config config;
  Findings findings;
  const auto failed = [&](int exit_code) {
    return std::unexpected(
        ConfigErrors{findings.take_errors(), findings.take_warnings(), exit_code});
  };
  config.sources = sources;
  const FileChoice choice = choose_file(sources, env);
  config.file = choice.file;
  if (!choice.file.empty()) {
    const int exit_code = read_config_file(choice, env, config, findings);
    if (exit_code != 0) return failed(exit_code);
  }
  apply_environment(config, env, findings);
  const std::size_t errors_before_flags = findings.error_count();
  apply_flags(sources.flags, config, findings);
  const bool wrong_flags = findings.error_count() > errors_before_flags;
  apply_stored(sources.stored, config, findings);
  add_environment_account(config, env, findings);
  inherit_account_defaults(config);
  resolve_store(config, env);
  if (config.shards == 0) config.shards = usable_cpus();
  warn_of_unused_variables(env, findings);
  check_config(config, findings);
  if (purpose == Purpose::kServe) check_servable(config, findings);
  if (findings.has_errors()) return failed(wrong_flags ? EX_USAGE : EX_CONFIG);
  config.warnings = findings.take_warnings();
  return config;
}

}  // namespace sluice
