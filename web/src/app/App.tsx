import { createTheme, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";

import { withStatuses } from "../api/queries";
import { RequestError } from "../api/request";
import { onStatuses } from "../live/page";
import { router } from "./router";

const RETRIES_MAX = 1;

/** Mantine's components in our colours. Their variables are in `theme.css`: the page's security policy forbids styles
 *  that a script writes into the page. */
const theme = createTheme({ cursorType: "pointer", respectReducedMotion: true });

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      networkMode: "always", // a server in the house is there without the internet
      retry: (failures, error) => failures < RETRIES_MAX && !(error instanceof RequestError),
    },
    mutations: { networkMode: "always" },
  },
});

onStatuses((statuses) => { withStatuses(queries, statuses); });

/** The dashboard. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
