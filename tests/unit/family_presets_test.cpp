#include "model/family_presets.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace trunkline {
namespace {

using nlohmann::json;

std::string family_of(std::string_view model) {
  const char* preset = family_preset(model);
  return preset == nullptr ? "" : json::parse(preset)["family"].get<std::string>();
}

// As QitOS's resolve_family_preset was measured to find them, its odd ones included.
TEST(FamilyPresets, AreFoundAsQitosFindsThem) {
  const std::pair<const char*, const char*> found[] = {{"qwen", "qwen"},
                                                       {"Qwen/Qwen3-8B", "qwen"},
                                                       {"  GPT-4o-mini\n", "openai"},
                                                       {"openai", "openai"},
                                                       {"anthropic", "anthropic"},
                                                       {"claude-sonnet-4-5", "anthropic"},
                                                       {"solo3", "openai"},
                                                       {"llama-qwen-distill", "qwen"},
                                                       {"gpt-oss-20b", "gpt-oss"},
                                                       {"ds-v4-pro", "deepseek"},
                                                       {"zai-org/GLM-5.1-FP8", "glm"},
                                                       {"moonshot-v1-128k", "kimi"},
                                                       {"gemma4", "gemma-4"},
                                                       {"gemini-2.5-pro", "gemini"},
                                                       {"minimax/m2", "minimax"},
                                                       {"nex-n2", "nex"},
                                                       {"gpt-5", ""},
                                                       {"", ""},
                                                       {" \t", ""},
                                                       {"gemin", ""},
                                                       {"claude", ""}};
  for (const auto& [model, family] : found) EXPECT_EQ(family_of(model), family) << model;
}

TEST(FamilyPresets, TheModelOfEachIsOfItsFamily) {
  for (const char* family :
       {"qwen", "nex", "glm", "kimi", "minimax", "gpt-oss", "gemma-4", "openai", "anthropic", "gemini", "deepseek"}) {
    const json preset = json::parse(family_preset(family));
    EXPECT_EQ(preset["family"], family);
    EXPECT_EQ(preset["model_id"], preset["recommended_models"][0]);
    for (const json& model : preset["recommended_models"]) EXPECT_EQ(family_of(model.get<std::string>()), family);
    EXPECT_GE(preset["context_window"], 128'000);
    EXPECT_EQ(preset.contains("max_steps"), preset.contains("temperature"));
  }
}

}  // namespace
}  // namespace trunkline
