#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Writes `text` and a line end into a new file that only its owner can read, and to the disk. 0, or
// an errno: EEXIST when there is one.
[[nodiscard]] int write_private_file(const std::string& path, std::string_view text);

// So that a name in that file's folder outlasts a loss of power. 0 or an errno.
[[nodiscard]] int sync_folder_of(const std::string& path);

}  // namespace sluice
