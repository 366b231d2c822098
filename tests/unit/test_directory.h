#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/assert.h"

namespace sluice {

// TestDirectory - a folder below the system's temporary one, removed with all in it at the end.
class TestDirectory {
 public:
  TestDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    SL_ASSERT(mkdtemp(path_.data()) != nullptr);
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  [[nodiscard]] std::string path_of(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  // Writes the file and returns its path.
  std::string write(std::string_view name, std::string_view text) const {
    std::string path = path_of(name);
    std::FILE* const file = std::fopen(path.c_str(), "we");
    SL_ASSERT(file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size());
    SL_ASSERT(std::fclose(file) == 0);
    return path;
  }

 private:
  std::string path_;
};

}  // namespace sluice
