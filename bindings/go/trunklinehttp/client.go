package trunklinehttp

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	trunkline "trunkline.dev/go"
)

// NewTransport wraps a transport (nil: http.DefaultTransport): each request whose context has a trace becomes a span, and
// carries the header traceparent that makes the server go on from there. The span ends with the body of the answer.
// Requests outside of every trace pass unchanged, and those of a trace that is not recorded with the traceparent that came in.
func NewTransport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{base}
}

type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL == nil || request.Header == nil { // which the wrapped one refuses in its own words
		return t.base.RoundTrip(request)
	}
	if !trunkline.CurrentTrace(request.Context()).Recording() {
		return t.base.RoundTrip(passOn(request))
	}
	ctx, span := trunkline.Start(request.Context(), request.Method+" "+request.URL.Host,
		trunkline.String("http.request.method", request.Method), trunkline.String("server.address", request.URL.Hostname()),
		trunkline.String("url.path", request.URL.Path)) // the query may hold a key
	sent := request.Clone(ctx)
	if traceparent := span.Traceparent(); traceparent != "" {
		sent.Header.Set(header, traceparent)
	}
	response, err := t.base.RoundTrip(sent)
	if err != nil {
		span.RecordError(err)
		span.End()
		return response, err
	}
	span.Set(trunkline.Int("http.response.status_code", response.StatusCode))
	if response.StatusCode >= http.StatusBadRequest {
		span.SetError("http_"+strconv.Itoa(response.StatusCode), response.Status)
	}
	if endsHere(response.Body) {
		span.End()
		return response, nil
	}
	response.Body = &body{ReadCloser: response.Body, span: span}
	return response, nil
}

// CloseIdleConnections is what http.Client asks its transport for.
func (t transport) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// endsHere tells of a body that there is none, or that it is a connection of its own from here.
func endsHere(body io.ReadCloser) bool {
	_, writes := body.(io.Writer)
	return writes || body == nil || body == http.NoBody
}

// passOn hands on that the trace, which came from elsewhere, is not sampled.
func passOn(request *http.Request) *http.Request {
	traceparent := trunkline.Traceparent(request.Context())
	if traceparent == "" {
		return request
	}
	sent := request.Clone(request.Context())
	sent.Header.Set(header, traceparent)
	return sent
}

// A body ends its span when it is read or closed.
type body struct {
	io.ReadCloser
	span *trunkline.Span
	once sync.Once
}

func (b *body) Read(to []byte) (int, error) {
	count, err := b.ReadCloser.Read(to)
	if err != nil {
		b.end(err)
	}
	return count, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}

// end ends the span by the first of what ends it: what is read of a body that was closed is no failure.
func (b *body) end(err error) {
	b.once.Do(func() {
		if err != io.EOF {
			b.span.RecordError(err)
		}
		b.span.End()
	})
}
