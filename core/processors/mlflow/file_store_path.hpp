// Where the file store lies. Not in ./mlruns, unless that is a file store already: MLflow from 3.13 on refuses to work
// in a folder whose ./mlruns holds one, and before uses it instead of its database.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline::mlflow {

// Whether a tracking URI names a folder: "file:" in any of its forms, or a path.
bool is_file_uri(std::string_view uri);

// The root of the store. `uri` as the user gave it, a path being relative to `folder`; empty: `folder`/mlruns if that
// is a file store, else `folder`/trunkline-mlflow/mlruns. TR_EINVAL: not the URI of a folder here.
Expected<std::string> file_store_root(std::string_view uri, const std::string& folder);

// A path as a "file://" URI.
std::string file_uri(std::string_view path);
// The reverse; empty: none of this machine.
std::string path_of_file_uri(std::string_view uri);

// A sentence for people: how to look at what lies there.
std::string file_store_advice(const std::string& root);

}  // namespace trunkline::mlflow
