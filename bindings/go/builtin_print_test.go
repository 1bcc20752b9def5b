package trunkline

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCredentialsAreNotPrinted(t *testing.T) {
	mlflow := MLflowOptions{TrackingURI: "https://me:s3cret@host/x", Password: "s3cret", Token: "s3cret", RunName: "mine"}
	wandb := WandbOptions{BaseURL: "https://me:s3cret@host", APIKey: "s3cret", Project: "mine"}
	attached := MLflow(mlflow)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
		for _, each := range []any{mlflow, &mlflow, wandb, attached, struct{ Options WandbOptions }{wandb}, []any{mlflow}} {
			if shown := fmt.Sprintf(format, each); strings.Contains(shown, "s3cret") {
				t.Error(format, shown)
			}
		}
	}
	shown := &words{}
	for _, handler := range []slog.Handler{slog.NewJSONHandler(shown, nil), slog.NewTextHandler(shown, nil)} {
		slog.New(handler).Info("attached", "mlflow", mlflow, "wandb", wandb, "attachment", attached)
	}
	if shown.contain("s3cret") || !shown.contain("mine") {
		t.Error("the log tells credentials, or nothing")
	}
	if shown := fmt.Sprintf("%+v", mlflow); !strings.Contains(shown, "RunName:mine") || !strings.Contains(shown, "me:xxxxx@host") {
		t.Error(shown)
	}
	if !strings.Contains(attached.options, "s3cret") || mlflow.Token != "s3cret" {
		t.Error("the control: it is not there at all")
	}
}
