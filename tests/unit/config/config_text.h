#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/load.h"

namespace sluice {

// FixedEnvironment - exactly these variables.
class FixedEnvironment final : public Environment {
 public:
  using Variables = std::map<std::string, std::string, std::less<>>;
  FixedEnvironment() = default;
  explicit FixedEnvironment(Variables variables) : variables_(std::move(variables)) {}

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const override {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const override {
    std::vector<std::string> out;
    for (const auto& [name, value] : variables_)
      if (name.starts_with(prefix)) out.push_back(name);
    return out;
  }

 private:
  Variables variables_;
};

inline FixedEnvironment variables(FixedEnvironment::Variables variables) {
  return FixedEnvironment(std::move(variables));
}

// TempFolder - a folder of its own, removed with the files that put() wrote.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = testing::TempDir() + "sluiceXXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempFolder() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string put(const std::string& name, std::string_view content, mode_t mode = 0600) {
    const std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << content;
    EXPECT_EQ(chmod(file.c_str(), mode), 0);
    files_.push_back(file);
    return file;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

using Loaded = std::expected<Config, ConfigErrors>;

// Loads `yaml` as if it stood in a file.
inline Loaded load_text(std::string_view yaml, const FixedEnvironment& env = {},
                        std::vector<FlagValue> flags = {}, Purpose purpose = Purpose::kShow) {
  TempFolder folder;
  ConfigSources sources;
  sources.file = folder.put("c.yaml", yaml);
  sources.flags = std::move(flags);
  return load_config(sources, env, purpose);
}

// The messages of errors (or of warnings), without the folder of the file; "" for none.
inline std::string messages(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    std::string text = finding.text();
    const std::size_t file = text.find("c.yaml:");
    if (file != std::string::npos) text.erase(0, file);
    out += (out.empty() ? "" : "\n") + text;
  }
  return out;
}

inline std::string errors_of(const Loaded& loaded) {
  return loaded ? std::string() : messages(loaded.error().errors);
}

}  // namespace sluice
