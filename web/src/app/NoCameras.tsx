/** What to do when there is nothing to watch. */
export function NoCameras({ loading }: { loading: boolean }) {
  if (loading) {
    return <p className="notice notice-empty" role="status">Loading cameras…</p>;
  }
  return (
    <main className="empty card">
      <h2>No cameras yet</h2>
      <p>Register one, and this page shows it at once:</p>
      <pre>
        {`curl -X POST ${window.location.origin}/api/cameras \\
  -H 'Content-Type: application/json' \\
  -d '{"id": "gate", "name": "Gate", "url": "http://192.0.2.7:81/stream"}'`}
      </pre>
    </main>
  );
}
