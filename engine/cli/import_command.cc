#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "admin/sidecar_document.h"
#include "engine/cli/commands.h"
#include "engine/cli/store_access.h"
#include "store/import/sidecar_v2.h"
#include "tls/digest.h"

namespace sluice {
namespace {

constexpr const char* kSidecarFooter = R"(
Takes over the accounts with their keys, the usage by hours and days, the cooldowns and the
settings: all of it, or nothing. Stop Sidecar V2 first, so that its last changes are in the file.
The same database is taken once; its health states are not taken, they are found anew.
SIDECAR_ENCRYPTION_KEY, or --key-file, is the key that Sidecar V2 ran with.

Examples:
  SIDECAR_ENCRYPTION_KEY=... sluice import sidecar-v2 sidecar.db --dry-run
  sluice import sidecar-v2 /var/lib/sidecar/sidecar.db --key-file sidecar.key)";

struct ImportOptions {
  std::string file, key_file;
  bool skip_unreadable = false;
  bool dry_run = false;
};

int refuse(const std::string& text, int exit_code) {
  fmt::print(stderr, "sluice: {}{}", text, text.ends_with('\n') ? "" : "\n");
  return exit_code;
}

std::expected<MasterKey, std::string> predecessor_key(const ImportOptions& options) {
  if (!options.key_file.empty()) return MasterKey::read_file(options.key_file);
  const char* const given = std::getenv("SIDECAR_ENCRYPTION_KEY");
  if (given == nullptr)
    return std::unexpected(
        "the key of Sidecar V2 is missing: set SIDECAR_ENCRYPTION_KEY, or give "
        "--key-file");
  return MasterKey::parse(given, "SIDECAR_ENCRYPTION_KEY");
}

// SHA-256 of a file that was just read, in hexadecimal.
std::optional<std::string> digest_of(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (fd < 0) return std::nullopt;
  const bool known = fstat(fd, &about) == 0 && about.st_size > 0;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const bytes = known ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  close(fd);
  if (bytes == MAP_FAILED) return std::nullopt;
  const Sha256Digest digest = sha256({static_cast<const char*>(bytes), size});
  munmap(bytes, size);
  std::string digits(2 * digest.size(), '\0');
  write_hex(text_of(digest), digits.data());
  return digits;
}

int import_sidecar(const ConfigOptions& config, const ImportOptions& options) {
  const auto key = predecessor_key(options);
  if (!key) return refuse(key.error(), EX_CONFIG);
  auto data = read_sidecar_v2(options.file, *key, {.skip_unreadable = options.skip_unreadable});
  if (!data) {
    const bool there = access(options.file.c_str(), F_OK) == 0;
    return refuse(data.error().text(), there ? EX_DATAERR : EX_NOINPUT);
  }
  auto digest = digest_of(options.file);
  if (!digest) return refuse(options.file + ": cannot be read", EX_NOINPUT);
  for (const std::string& table : data->missing_tables)
    fmt::print(stderr, "{} has no table {}\n", options.file, table);
  if (!data->skipped.empty()) fmt::print(stderr, "left out, because it cannot be read:\n");
  for (const ImportFault& fault : data->skipped) fmt::print(stderr, "  {}\n", fault.text());
  return change_store(
      config, {.command = "import.sidecar",
               .args = {{"skip_unreadable", options.skip_unreadable}, {"dry_run", options.dry_run}},
               .secret = encode_sidecar(std::move(*data), std::move(*digest))});
}

}  // namespace

void add_import_command(CommandLine& line) {
  CLI::App& group = *line.app.add_subcommand("import", "take over what another gateway has stored");
  group.require_subcommand(1);
  const auto options = std::make_shared<ImportOptions>();
  CLI::App* const sidecar = add_store_action(
      line, group, "sidecar-v2", "the database of Sidecar V2",
      [options](const ConfigOptions& config) { return import_sidecar(config, *options); });
  sidecar->footer(kSidecarFooter);
  sidecar->add_option("file", options->file, "its SQLite file")->required();
  sidecar->add_option("--key-file", options->key_file, "64 hexadecimal digits, mode 0600")
      ->type_name("FILE");
  sidecar->add_flag("--skip-unreadable", options->skip_unreadable,
                    "leave out what cannot be taken over");
  sidecar->add_flag("--dry-run", options->dry_run, "only tell what would be imported");
}

}  // namespace sluice
