import { createContext, use } from "react";
import { type Enum, graphql, type ResultOf } from "../api/graphql";

export const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      keyId
      userId
      author {
        name
      }
      tenantId
      tenantName
      role
      maySend
      seesPersonalData
    }
  }
`);

export type Viewer = ResultOf<typeof ViewerQuery>["viewer"];
export type Role = Enum<"Role">;

export const ViewerContext = createContext<Viewer | undefined>(undefined);

/** Who is signed in. Roles decide what is shown; what is allowed decides the server. */
export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (!viewer) throw new Error("useViewer outside of the shell");
  return viewer;
}
