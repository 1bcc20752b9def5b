package trunklinehttp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	trunkline "trunkline.dev/go"
)

type keeper struct {
	lock    sync.Mutex
	records []trunkline.Record
}

func (k *keeper) OnBatch(batch *trunkline.Batch) error {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.records = append(k.records, batch.Records...)
	return nil
}

// find waits for a record: what a handler does after its answer has gone out may follow what the caller does with it.
func (k *keeper) find(t *testing.T, kind trunkline.RecordType, name string) *trunkline.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		if err := trunkline.Flush(ctx); err != nil {
			t.Fatalf("there is no %s: %v", name, err)
		}
		if found := k.among(kind, name); found != nil {
			return found
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (k *keeper) among(kind trunkline.RecordType, name string) *trunkline.Record {
	k.lock.Lock()
	defer k.lock.Unlock()
	for i := range k.records {
		if k.records[i].Type == kind && k.records[i].Name == name {
			return &k.records[i]
		}
	}
	return nil
}

func session(t *testing.T) *keeper {
	t.Helper()
	kept := &keeper{}
	err := trunkline.Init(trunkline.WithDirectory(t.TempDir()), trunkline.WithProcessors(),
		trunkline.WithProcessor(trunkline.Custom(kept)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		_ = trunkline.Shutdown(ctx)
	})
	return kept
}

func server(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ok/{name}", func(w http.ResponseWriter, r *http.Request) {
		_, span := trunkline.Start(r.Context(), "inside")
		defer span.End()
		_, _ = w.(io.StringWriter).WriteString(r.Header.Get(header))
		w.(http.Flusher).Flush()
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken")
		_ = connection.Close()
	})
	made := httptest.NewUnstartedServer(Handler(mux))
	made.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	made.Start()
	t.Cleanup(made.Close)
	return made
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func TestARequestGoesOnInTheServer(t *testing.T) {
	kept := session(t)
	at := server(t)
	client := &http.Client{Transport: NewTransport(nil)}
	ctx, trace := trunkline.StartTrace(context.Background(), "agent")
	sent, err := get(ctx, client, at.URL+"/ok/x?key=secret")
	if err != nil {
		t.Fatal(err)
	}
	trace.End()
	asked := kept.find(t, trunkline.RecordSpanEnd, "GET "+strings.TrimPrefix(at.URL, "http://"))
	inside := kept.find(t, trunkline.RecordSpanEnd, "inside")
	if !strings.HasPrefix(sent, "00-"+trace.TraceID()+"-"+asked.SpanID.String()+"-0") {
		t.Error("the server is told", sent)
	}
	if inside.ParentID != asked.SpanID || inside.TraceID != asked.TraceID {
		t.Error("the server's span is not a child of the request")
	}
	status, _ := asked.Attr("http.response.status_code")
	path, _ := asked.Attr("url.path")
	if status.Int() != 200 || path.Text() != "/ok/x" || asked.Failed() {
		t.Errorf("%+v", asked)
	}
	end := kept.find(t, trunkline.RecordTraceEnd, "GET /ok/x")
	route, _ := end.Attr("http.route")
	if route.Text() != "GET /ok/{name}" || end.Failed() {
		t.Errorf("%+v", end)
	}
}

func TestFailuresOfBothSides(t *testing.T) {
	kept := session(t)
	at := server(t)
	client := &http.Client{Transport: NewTransport(nil)}
	ctx, trace := trunkline.StartTrace(context.Background(), "agent")
	if _, err := get(ctx, client, at.URL+"/bad"); err != nil {
		t.Error(err)
	}
	if found := kept.find(t, trunkline.RecordTraceEnd, "GET /bad"); found.ErrorType != "http_502" {
		t.Errorf("%+v", found)
	}
	if found := kept.find(t, trunkline.RecordSpanEnd, "GET "+strings.TrimPrefix(at.URL, "http://")); found.ErrorType != "http_502" {
		t.Errorf("%+v", found)
	}
	if _, err := get(ctx, client, at.URL+"/panic"); err == nil {
		t.Error("a server that panics answers")
	}
	panicked := kept.find(t, trunkline.RecordTraceEnd, "GET /panic")
	if route, _ := panicked.Attr("http.route"); panicked.ErrorMessage != "boom" || route.Text() != "/panic" {
		t.Errorf("%+v", panicked)
	}
	at.Close()
	if _, err := get(ctx, client, "http://127.0.0.1:1/x"); err == nil {
		t.Error("nobody answers")
	}
	if found := kept.find(t, trunkline.RecordSpanEnd, "GET 127.0.0.1:1"); !found.Failed() {
		t.Errorf("%+v", found)
	}
	trace.End()
}

func TestTheDecisionNotToSampleGoesOn(t *testing.T) {
	session(t)
	at := server(t)
	client := &http.Client{Transport: NewTransport(nil)}
	const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	ctx, trace := trunkline.StartTrace(context.Background(), "agent", trunkline.WithTraceparent(remote))
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, at.URL+"/ok/x", nil)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if sent, _ := io.ReadAll(response.Body); string(sent) != remote {
		t.Errorf("the server is told %q", sent)
	}
	if len(request.Header) > 0 {
		t.Error("the caller's request was changed")
	}
	trace.End()
	if stats := trunkline.GetStats(); stats.TracesSampledOut != 2 || stats.TracesStarted != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestWhatPassesUnchanged(t *testing.T) {
	kept := session(t)
	at := server(t)
	client := &http.Client{Transport: NewTransport(nil)}
	if sent, err := get(context.Background(), client, at.URL+"/ok/y"); err != nil || sent != "" {
		t.Error("a request outside of every trace carries", sent, err)
	}
	if found := kept.find(t, trunkline.RecordTraceEnd, "GET /ok/y"); !found.ParentID.IsZero() {
		t.Errorf("%+v", found)
	}
	if text, err := get(context.Background(), client, at.URL+"/hijack"); err != nil || text != "taken" {
		t.Error(text, err)
	}
	hijacked := kept.find(t, trunkline.RecordTraceEnd, "GET /hijack")
	if status, told := hijacked.Attr("http.response.status_code"); told {
		t.Error("of a connection that was taken over the answer is known:", status)
	}
	if _, err := get(context.Background(), client, at.URL+"/hints"); err != nil {
		t.Error(err)
	}
	hinted := kept.find(t, trunkline.RecordTraceEnd, "GET /hints")
	if status, _ := hinted.Attr("http.response.status_code"); status.Int() != http.StatusAccepted {
		t.Error("the status is that of the hints:", status)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	traced, trace := trunkline.StartTrace(ctx, "agent")
	if _, err := get(traced, client, at.URL+"/ok/z"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	trace.End()
}

// A bare transport stands in for the network.
type bare struct {
	body   io.ReadCloser
	closed bool
}

func (b *bare) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL == nil || request.Header == nil {
		return nil, errors.New("not a request")
	}
	return &http.Response{StatusCode: http.StatusNoContent, Body: b.body, Request: request}, nil
}

func (b *bare) CloseIdleConnections() { b.closed = true }

func TestATransportIsWhatItWraps(t *testing.T) {
	kept := session(t)
	base := &bare{body: http.NoBody}
	transport := NewTransport(base)
	ctx, trace := trunkline.StartTrace(context.Background(), "agent")
	for _, incomplete := range []*http.Request{{}, {Method: http.MethodGet, URL: &url.URL{Host: "x"}}} {
		if _, err := transport.RoundTrip(incomplete.WithContext(ctx)); err == nil || err.Error() != "not a request" {
			t.Error(err)
		}
	}
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://nowhere/x", nil)
	response, err := transport.RoundTrip(request)
	if err != nil || response.Body != http.NoBody {
		t.Error(response, err)
	}
	kept.find(t, trunkline.RecordSpanEnd, "GET nowhere") // which nobody has to close
	trace.End()
	if (&http.Client{Transport: transport}).CloseIdleConnections(); !base.closed {
		t.Error("idle connections stay open")
	}
	NewTransport(roundTrip(nil)).(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// A broken body fails when it is read.
type broken struct{ io.Closer }

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut off") }

func TestASpanEndsWithTheBody(t *testing.T) {
	kept := session(t)
	ctx, trace := trunkline.StartTrace(context.Background(), "agent")
	for host, use := range map[string]func(io.ReadCloser){
		"closed": func(body io.ReadCloser) { _ = body.Close(); _, _ = body.Read(make([]byte, 1)) },
		"cut":    func(body io.ReadCloser) { _, _ = body.Read(make([]byte, 1)); _ = body.Close() },
	} {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host, nil)
		response, err := NewTransport(&bare{body: broken{io.NopCloser(nil)}}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		use(response.Body)
		span := kept.find(t, trunkline.RecordSpanEnd, "GET "+host)
		if span.Failed() != (host == "cut") {
			t.Errorf("%s: %q", host, span.ErrorMessage)
		}
	}
	trace.End()
	if stale := trunkline.GetStats().StaleHandles; stale != 0 {
		t.Error(stale, "calls came after the end")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
