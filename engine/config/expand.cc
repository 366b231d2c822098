#include "engine/config/expand.h"

#include <fmt/format.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "engine/config/read_file.h"

namespace sluice {
namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

std::optional<std::string_view> ProcessEnvironment::find(std::string_view name) const {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.size() > name.size() && text[name.size()] == '=' && text.starts_with(name))
      return text.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::vector<std::string> ProcessEnvironment::names(std::string_view prefix) const {
  std::vector<std::string> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with(prefix)) found.emplace_back(text.substr(0, text.find('=')));
  }
  std::ranges::sort(found);
  return found;
}

std::expected<std::string, std::string> expand_variables(std::string_view text,
                                                         const Environment& env) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t dollar = text.find("${");
    out.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    const bool escaped = dollar > 0 && text[dollar - 1] == '$';
    text.remove_prefix(dollar);
    if (escaped) {  // "$${": the first dollar has been copied, the second goes
      out.append("{");
      text.remove_prefix(2);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos)
      return std::unexpected("\"${\" without \"}\" (write \"$${\" for the characters themselves)");
    const std::string_view name = text.substr(2, end - 2);
    if (!is_variable_name(name))
      return std::unexpected(
          fmt::format("\"${{{}}}\" does not name an environment variable", name));
    const auto value = env.find(name);
    if (!value) return std::unexpected(fmt::format("the environment variable {} is not set", name));
    out.append(*value);
    text.remove_prefix(end + 1);
  }
  return out;
}

std::expected<std::string, std::string> read_reference(std::string_view reference,
                                                       std::string& warning) {
  const std::string path(reference.substr(kFilePrefix.size()));
  if (!path.starts_with('/'))
    return std::unexpected(fmt::format("\"{}\" must name an absolute path", reference));
  constexpr std::size_t kReferenceBytesMax = 64 * 1024;
  auto content = read_file(path, kReferenceBytesMax);
  if (!content) return std::unexpected(content.error().message);
  warning = loose_permissions(path);
  if (content->ends_with('\n')) content->pop_back();
  if (content->ends_with('\r')) content->pop_back();
  return std::move(*content);
}

std::string loose_permissions(const std::string& path) {
  constexpr mode_t kLoose = S_IWGRP | S_IXGRP | S_IRWXO;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & kLoose) == 0) return {};
  return fmt::format("{} holds a secret and has mode {:04o}; give it 0640 or less (chmod 0640 {})",
                     path, status.st_mode & 07777u, path);
}

}  // namespace sluice
