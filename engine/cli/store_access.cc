#include "engine/cli/store_access.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "admin/admin_socket.h"
#include "admin/key_ring.h"
#include "admin/stored_entries.h"
#include "engine/cli/command_line.h"
#include "store/catalog.h"
#include "store/schema.h"
#include "store/vault/key_check.h"

namespace sluice {
namespace {

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int fail(const std::string& text, int exit_code) {
  fmt::print(stderr, "sluice: {}{}", text, text.ends_with('\n') ? "" : "\n");
  return exit_code;
}

int no_store() {
  return fail("store.directory is none: this configuration keeps nothing", EX_CONFIG);
}

bool is_damage(const StoreError& error) {
  switch (error.code) {
    case StoreErrc::kCorrupt:
    case StoreErrc::kEmpty:
    case StoreErrc::kMalformed:
    case StoreErrc::kUnknownVersion: return true;
    case StoreErrc::kOs: return error.detail < 0;  // LMDB met what cannot be
    default: return false;
  }
}

// Why a store cannot be read, and the exit code of it.
int not_opened(const StoreError& error, const Config& config) {
  const std::string& directory = config.store.directory;
  if (error.code == StoreErrc::kNoDirectory) {
    return fail(
        directory + ": nothing is stored yet: start sluice serve first, or check store.directory",
        EX_NOINPUT);
  }
  const bool of_file = is_damage(error) || error.code == StoreErrc::kNoFile;
  return fail(explain(error, of_file ? directory + "/data.mdb" : directory),
              is_damage(error) ? EX_DATAERR : EX_NOINPUT);
}

StoreOptions options_of(const StoreConfig& store, OpenMode mode) {
  return {.directory = store.directory,
          .mode = mode,
          .map_bytes_max = store.bytes_max,
          .any_file_system = store.any_file_system};
}

constexpr std::string_view kKeyVariable = "SIDECAR_ENCRYPTION_KEY";

// KeylessEnvironment - another one without SIDECAR_ENCRYPTION_KEY: an import is given its source's
// key there, which need not be the store's.
class KeylessEnvironment final : public Environment {
 public:
  explicit KeylessEnvironment(const Environment& all) : all_(&all) {}
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const override {
    return name == kKeyVariable ? std::nullopt : all_->find(name);
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const override {
    return all_->names(prefix);
  }

 private:
  const Environment* all_;
};

// Whether the variable's key is that of the store, or will be because the store has none yet.
bool opens(const Environment& env, StoreEnvironment& environment) {
  const auto check = read_meta(environment, kKeyCheckKey);
  const auto given = env.find(kKeyVariable);
  if (!check || !*check || !given) return true;
  const auto key = MasterKey::parse(*given, kKeyVariable);
  return key && KeyCheck::check(*key, **check);
}

// ScratchDirectory - a directory that goes with it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::error_code failed;
    path_ = (std::filesystem::temp_directory_path(failed) / "sluice-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~ScratchDirectory() {
    std::error_code failed;
    if (!path_.empty()) std::filesystem::remove_all(path_, failed);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }  // "": it was not made

 private:
  std::string path_;
};

// Without a gateway: this process is the one that writes.
int change_here(const Config& config, const StoreConfig& store, const AdminCall& call,
                AdminAnswer& answer) {
  auto environment = open_store(options_of(store, OpenMode::kWrite));
  if (!environment) return fail(explain(environment.error(), store.directory), EX_UNAVAILABLE);
  Writer writer(**environment);
  // An account whose key is damaged can be removed also where that keeps a rotation from ending.
  const bool goes_on = call.command == "keys.rotate" || call.command == "providers.remove";
  const Rotation rotation = goes_on ? Rotation::kGoesOn : Rotation::kRefused;
  const ProcessEnvironment env;
  const KeylessEnvironment keyless(env);
  const bool of_another = call.command == "import.sidecar" && !opens(env, **environment);
  const Environment& used = of_another ? static_cast<const Environment&>(keyless) : env;
  auto keys = open_key_ring(store, used, writer, unix_ms(), rotation);
  if (!keys) return fail(keys.error().text, keys.error().exit_code);
  AdminDesk desk(writer, *keys, config, unix_ms());
  answer = desk.answer(call);
  if (const auto synced = (*environment)->sync(); !synced)
    return fail(explain(synced.error(), store.directory), EX_IOERR);
  return EX_OK;
}

// What is only tried out makes no store: it goes to a new one elsewhere.
int try_without_store(const Config& config, const AdminCall& call, AdminAnswer& answer) {
  const ScratchDirectory scratch;
  if (scratch.path().empty()) return fail("no temporary directory can be made", EX_CANTCREAT);
  StoreConfig elsewhere = config.store;
  elsewhere.directory = scratch.path() + "/store";
  elsewhere.any_file_system = true;
  return change_here(config, elsewhere, call, answer);
}

// NoEcho - a terminal that does not show what is typed.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

}  // namespace

CLI::App* add_store_action(CommandLine& line, CLI::App& parent, const std::string& name,
                           const std::string& help, std::function<int(const ConfigOptions&)> run) {
  CLI::App* const command = parent.add_subcommand(name, help);
  const auto config = std::make_shared<ConfigOptions>();
  command->add_option("-c,--config", config->file, "the configuration file")->type_name("FILE");
  command->callback([&line, config, run = std::move(run)] {
    line.chosen = [config, run] { return run(*config); };
  });
  return command;
}

int store_failed(const StoreError& error, const StoreEnvironment& environment) {
  return fail(explain(error, environment.path()), is_damage(error) ? EX_DATAERR : EX_IOERR);
}

int read_store(const Config& config,
               const std::function<int(const Config&, StoreEnvironment&)>& read) {
  if (config.store.directory.empty()) return no_store();
  auto environment = open_store(options_of(config.store, OpenMode::kReadOnly));
  if (!environment) return not_opened(environment.error(), config);
  return read(config, **environment);
}

int with_store(const ConfigOptions& options,
               const std::function<int(const Config&, StoreEnvironment&)>& read) {
  return with_config(options, Purpose::kShow,
                     [&read](const Config& config) { return read_store(config, read); });
}

int with_entries(const ConfigOptions& options,
                 const std::function<int(const Config&, const StoredEntries&)>& use) {
  return with_config(options, Purpose::kShow, [&](const Config& config) {
    if (config.store.directory.empty()) return use(config, StoredEntries{});
    auto environment = open_store(options_of(config.store, OpenMode::kReadOnly));
    if (!environment && environment.error().code == StoreErrc::kNoDirectory)
      return use(config, StoredEntries{});
    if (!environment) return not_opened(environment.error(), config);
    const auto accounts = list_accounts(**environment);
    if (!accounts) return store_failed(accounts.error(), **environment);
    if (accounts->empty()) return use(config, StoredEntries{});
    const auto vault = open_vault(config.store, ProcessEnvironment(), **environment);
    if (!vault) return fail(vault.error().text, vault.error().exit_code);
    const auto entries = load_stored_entries(**environment, *vault);
    if (!entries) return fail(entries.error(), EX_DATAERR);
    for (const UnopenedAccount& account : entries->unopened)
      fmt::print(stderr, "sluice: account '{}' is left out: {}\n", account.name, account.why);
    return use(config, *entries);
  });
}

namespace {

// By the gateway that serves the store, else in this process. What keeps a call from being made is
// told at once, and is the answer's exit code.
AdminAnswer ask_store(const Config& config, const AdminCall& call) {
  if (auto answered = call_gateway(config.store.directory, call)) return std::move(*answered);
  AdminAnswer answer;
  const bool there = access((config.store.directory + "/data.mdb").c_str(), F_OK) == 0;
  const bool elsewhere = !there && call.args.value("dry_run", false);
  const int code = elsewhere ? try_without_store(config, call, answer)
                             : change_here(config, config.store, call, answer);
  if (code == EX_OK) return answer;
  return {.exit_code = code, .outcome = AdminOutcome::kFailed};
}

}  // namespace

int change_store(const ConfigOptions& options, const AdminCall& call) {
  return change_store(options, [&call](const AskStore& ask) { return ask(call); });
}

int change_store(const ConfigOptions& options,
                 const std::function<AdminAnswer(const AskStore&)>& change) {
  return with_config(options, Purpose::kShow, [&](const Config& config) {
    if (config.store.directory.empty()) return no_store();
    const AdminAnswer answer =
        change([&config](const AdminCall& call) { return ask_store(config, call); });
    if (!answer.text.empty()) fmt::print(stderr, "{}", answer.text);
    if (answer.secret.empty() || answer.exit_code != EX_OK) return answer.exit_code;
    const std::string_view shown = answer.secret.reveal();
    // Not through stdio, whose buffers keep what they have written.
    const bool whole =
        write(STDOUT_FILENO, shown.data(), shown.size()) == static_cast<ssize_t>(shown.size()) &&
        (shown.ends_with('\n') || write(STDOUT_FILENO, "\n", 1) == 1);
    return whole ? EX_OK : EX_IOERR;
  });
}

std::optional<Secret> read_secret(const std::string& what, std::size_t bytes_max) {
  const bool asks = isatty(STDIN_FILENO) == 1;
  if (asks) fmt::print(stderr, "{}: ", what);
  const NoEcho silent;
  Secret buffer;
  std::size_t size = 0;
  bool ended = false;
  const auto fill = [&](std::span<char> out) {
    if (size > 0) std::memcpy(out.data(), buffer.reveal().data(), size);
    while (size < out.size() && !ended) {
      const ssize_t n = read(STDIN_FILENO, out.data() + size, out.size() - size);
      if (n > 0) size += static_cast<std::size_t>(n);
      ended = n <= 0 || (asks && out[size - 1] == '\n');
    }
  };
  // Locked pages are few: a key takes those of its longest, a file what it needs.
  const std::size_t room_max = bytes_max + 1;  // one that tells that it is too long
  for (std::size_t room = kOneSecretBytesMax + 1; !ended && size < room_max; room *= 2)
    buffer = Secret::written(std::min(room, room_max), fill);
  if (asks) fmt::print(stderr, "\n");
  if (size > bytes_max) {
    fmt::print(stderr, "sluice: {}: more than {} bytes on stdin\n", what, bytes_max);
    return std::nullopt;
  }
  std::string_view text = buffer.reveal().substr(0, size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return Secret(text);
}

}  // namespace sluice
